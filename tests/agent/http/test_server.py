"""libsonde-http: the debug server inside a program, what it serves and what it hides."""
import http.client
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, main, program, test  # noqa: E402

BLOCKS, BLOCK = 20, 100003
# Of who serves; `start` and `main` are the program's.
SERVER = re.compile(r"MHD_|microhttpd|^live_|^http_|^sonde_|^symbolize_|^export_|^profile_|^gzip_|dwfl|dwarf_")


class UnixConnection(http.client.HTTPConnection):
  def __init__(self, path, timeout):
    super().__init__("localhost", timeout=timeout)
    self.path = path

  def connect(self):
    self.sock = socket.socket(socket.AF_UNIX)
    self.sock.settimeout(self.timeout)
    self.sock.connect(self.path)


class Served:
  """The program, up."""

  def __init__(self, address="localhost:0", *args, before=(), name="served"):
    self.process = subprocess.Popen([*before, program(name), address, *args], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    cwd=tempfile.mkdtemp(dir=WORK))
    self.path = address.removeprefix("unix:") if address.startswith("unix:") else None
    self.port = int(self.process.stdout.readline())
    assert self.process.stdout.readline() == "up\n"

  def __enter__(self):
    return self

  def __exit__(self, *why):
    if self.process.poll() is None:
      self.process.kill()
    self.process.communicate()

  def say(self, command):
    self.process.stdin.write(command + "\n")
    self.process.stdin.flush()
    return int(self.process.stdout.readline())

  def quit(self):
    out, err = self.process.communicate("quit\n", timeout=60)
    assert self.process.returncode == 0, (self.process.returncode, out, err)

  def connect(self):
    if self.path:
      return UnixConnection(self.path, timeout=60)
    return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

  def ask(self, path, method="GET", **headers):
    connection = self.connect()
    connection.request(method, "/debug/pprof/" + path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()

  def profile(self, path):
    status, headers, body = self.ask(path)
    assert status == 200 and headers["Content-Type"] == "application/octet-stream", (status, body)
    with tempfile.NamedTemporaryFile(dir=WORK, delete=False) as file:
      file.write(body)
    return Profile(file.name)


class Storm:
  """Requests all the while, by several clients."""

  def __init__(self, served, paths, clients=4):
    self.served, self.paths = served, paths
    self.over = threading.Event()
    self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
    self.asked, self.bad = 0, []

  def run(self):
    while not self.over.is_set():
      for path in self.paths:
        try:
          status = self.served.ask(path)[0]
          self.asked += 1
          if status != 200:
            self.bad.append((path, status))
        except Exception as why:
          self.bad.append((path, why))

  def __enter__(self):
    [t.start() for t in self.threads]
    return self

  def __exit__(self, *why):
    self.over.set()
    [t.join() for t in self.threads]
    assert not self.bad and self.asked, self.bad[:5]


def names(frames):
  return [name for frame in frames for name in frame]


def of_server(profile):
  return [names(frames) for frames, _ in profile.samples if any(SERVER.search(name) for name in names(frames))]


def kept(profile):
  return sum(values[2] for frames, values in profile.samples if "keep" in names(frames))


@test
def test_what_it_serves():
  with Served() as served:
    assert served.port > 0 and served.say("port") == served.port
    heap = served.profile("heap")
    assert kept(heap) == BLOCKS and heap.period == 1, heap.samples
    goroutine = served.profile("goroutine")
    assert goroutine.total(0) == 2, goroutine.samples
    assert {"wait": "cond"} in goroutine.labels and goroutine.through("idles") == 1
    assert served.profile("threadcreate").total(0) == 1
    assert not served.profile("heap?leak=1&seconds=1").samples  # nothing grows
    assert kept(served.profile("heap?leak=1")) == 0  # nor is what it keeps lost
    assert served.ask("")[2].startswith(b"<!DOCTYPE html>")
    assert served.ask("cmdline")[0] == 403 and served.ask("none")[0] == 404
    assert served.ask("profile?seconds=61")[0] == 400
    assert served.ask("?pid=1")[0] == 503
    assert served.ask("rate?profile=heap", "POST")[0] == 400
    served.quit()


@test
def test_linked_statically():
  with Served(name="served_static") as served:
    assert kept(served.profile("heap")) == BLOCKS
    served.quit()


@test
def test_nothing_of_the_server_shows():
  with Served() as served, Storm(served, ["heap", "goroutine", "", "profile?seconds=1"]):
    cpu = served.profile("profile?seconds=2")
    wall = served.profile("wall?seconds=1")
    assert not of_server(cpu) and not of_server(wall), (of_server(cpu), of_server(wall))
    threads = {name for frames, _ in wall.samples for name in names(frames) if name in ("main", "idles")}
    assert threads == {"main", "idles"}, threads
    for kind in ("heap", "allocs", "block", "mutex", "threadcreate"):
      profile = served.profile(kind)
      assert not of_server(profile), of_server(profile)
    for _ in range(20):
      goroutine = served.profile("goroutine")
      assert goroutine.total(0) == 2, goroutine.samples
    assert kept(served.profile("heap")) == BLOCKS


@test
def test_its_time_is_not_the_programs():
  # Much of it, beside threads that end, whose unseen ends are estimated from the process's clock.
  path = os.path.join(WORK, "cpu.pb.gz")
  with Served(before=[SONDE, "run", "-hz", "1000", "-o", path, "--"]) as served:
    with Storm(served, ["heap", "allocs?debug=1"], clients=2):
      worked = served.say("work 2000") / 1e6
    served.quit()
  got = Profile(path).total() / 1e9
  assert abs(got - worked) < 0.15 * worked + 0.1, (got, worked)


@test
def test_joins_what_sonde_run_records():
  cpu, heap = os.path.join(WORK, "joined.pb.gz"), os.path.join(WORK, "heap.pb.gz")
  with Served(before=[SONDE, "run", "-o", cpu, "-heap", heap, "-heaprate", "1", "--"]) as served:
    served.say("work 200")
    assert served.profile("profile?seconds=1").period == 10000000
    assert kept(served.profile("heap")) == BLOCKS
    assert served.say("stop") == 0
    served.say("work 200")
    served.quit()
  assert Profile(cpu).total() > 0.3e9 and kept(Profile(heap)) == BLOCKS


@test
def test_a_hundred_at_once():
  with Served() as served:
    got, begin = [], threading.Barrier(100)

    def ask():
      begin.wait()
      got.append(served.ask("goroutine?debug=1"))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(got) == 100
    heads = {(status, body.split(b"\n")[0]) for status, _, body in got}
    assert heads == {(200, b"goroutine profile: total 2")}, heads


@test
def test_stopped_and_started_again():
  with Served() as served:
    results = []
    taking = threading.Thread(target=lambda: results.append(served.ask("profile?seconds=60")))
    taking.start()
    while served.ask("rate?profile=cpu")[2] != b"100\n":
      pass
    assert served.say("start localhost:0") == -16  # EBUSY
    assert served.say("stop") == 0 and served.say("stop") == -2
    taking.join()  # it got what there was
    assert results and results[0][0] == 200
    assert served.say("port") == -2
    assert served.say("start localhost:0") == 0
    served.port = served.say("port")
    assert served.profile("goroutine").total(0) == 2
    served.quit()


@test
def test_fork():
  with Served() as served:
    assert served.say("fork") == 0
    assert served.profile("goroutine").total(0) == 2
    served.quit()


@test
def test_forks_while_it_serves():
  with Served() as served:
    with Storm(served, ["heap", "goroutine?debug=1", ""]):
      for _ in range(100):
        assert served.say("fork") == 0
    served.quit()


@test
def test_a_child_does_not_keep_the_port():
  with Served() as served:
    child = served.say("leave")
    try:
      assert served.say("stop") == 0
      try:
        served.ask("")
        raise AssertionError("somebody listens")
      except ConnectionRefusedError:
        pass
    finally:
      os.kill(child, signal.SIGKILL)
    served.quit()


@test
def test_exit_while_profiles_are_taken():
  with Served() as served:
    with socket.create_connection(("127.0.0.1", served.port)) as s:
      s.sendall(b"GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      while served.ask("rate?profile=cpu")[2] != b"100\n":
        pass
      served.quit()


@test
def test_clients_that_vanish_or_talk_nonsense():
  with Served() as served:
    texts = (b"GET /debug/pprof/profile?seconds=60 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET", b"\0\xff\r\n\r\n",
             b"GET /debug/pprof/" + b"a" * 100000, b"POST /debug/pprof/rate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nx",
             b"GET /debug/pprof/heap?" + b"&=%" * 1000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for text in texts:
      with socket.create_connection(("127.0.0.1", served.port)) as s:
        s.sendall(text)
    while served.ask("rate?profile=cpu")[2] != b"0\n":
      pass  # the one who has gone no longer holds it
    served.quit()


@test
def test_stopped_while_clients_talk_nonsense():
  over = threading.Event()

  def talk(text):
    while not over.is_set():
      try:
        with socket.create_connection(("127.0.0.1", served.port)) as s:
          s.sendall(text)
      except OSError:
        pass  # hung up on, or nobody there just now

  with Served() as served:
    texts = (b"GET /debug/pprof/" + b"a" * 100000, b"\0\xff\r\n\r\n", b"GET", b"GET / HTTP/9\r\n\r\n")
    talkers = [threading.Thread(target=talk, args=(text,)) for text in texts]
    [t.start() for t in talkers]
    try:
      for _ in range(50):
        assert served.say("stop") == 0
        assert served.say("start localhost:0") == 0
        served.port = served.say("port")
    finally:
      over.set()
      [t.join() for t in talkers]
    served.quit()


@test
def test_clients_that_are_slow():
  # Some say half of what they want, some do not read what they get: others are answered meanwhile.
  with Served() as served:
    halves = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(40)]
    for i, s in enumerate(halves):
      s.sendall(b"GET /debug/pprof/heap HTTP/1.1\r\nHost: loc" if i % 2 else b"GET /debug/pprof/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
    for _ in range(5):
      assert kept(served.profile("heap")) == BLOCKS
      assert served.profile("goroutine").total(0) == 2
    served.quit()
    [s.close() for s in halves]


@test
def test_token():
  with Served("localhost:0", "s3cret?&") as served:
    for path, headers in (("", {}), ("?token=", {}), ("?token=s3cret", {}), ("?token=s3cret%3f%26x", {}),
                          ("", {"Authorization": "Bearer nothing"}), ("", {"Authorization": "Basic s3cret?&"})):
      status, answer, body = served.ask("heap" + path, **headers)
      assert status == 401 and body.startswith(b"Unauthorized") and answer["X-Go-Pprof"] == "1", (path, status, body)
      assert answer["WWW-Authenticate"] == "Bearer"
    assert served.ask("heap?token=s3cret%3f%26")[0] == 200
    assert served.ask("heap", Authorization="Bearer s3cret?&")[0] == 200
    page = served.ask("?token=s3cret%3f%26")[2]
    assert re.search(rb'"heap\?debug=1&amp;pid=\d+&amp;token=s3cret%3F%26"', page), page  # its links work
    assert b"s3cret" not in served.ask("", Authorization="Bearer s3cret?&")[2]


@test
def test_hosts():
  with Served() as served:
    assert served.ask("", Host="served.example:80")[0] == 200
    assert served.ask("", Host="evil.example")[0] == 403
  assert Served("0.0.0.0:0").port == -13  # EACCES: nobody asked for a token
  with Served("0.0.0.0:0", "token") as served:
    assert served.ask("?token=token")[0] == 200


@test
def test_options():
  with Served("0.0.0.0:0", "", "open cmdline") as served:
    assert served.ask("cmdline")[2].split(b"\0")[1:] == [b"0.0.0.0:0", b"", b"open cmdline"]
    assert served.ask("rate?profile=block&rate=7", "POST")[2] == b"7\n"
  with Served("localhost:0", "", "fixed left") as served:
    assert served.ask("rate?profile=block&rate=7", "POST")[::2] == (403, b"rates are not changed here\n")
    assert served.ask("rate?profile=heap")[2] == b"0\n"


@test
def test_no_more_clients_than_allowed():
  with Served("localhost:0", "", "few") as served:
    def is_answered():
      try:
        return served.ask("rate?profile=heap")[0] == 200
      except (ConnectionError, http.client.BadStatusLine):
        return False

    idle = []
    while is_answered():
      time.sleep(0.02)  # who has just been answered counts a little longer, and would keep this one out
      idle.append(socket.create_connection(("127.0.0.1", served.port)))
      assert len(idle) < 100
    [s.close() for s in idle]
    while not is_answered():
      pass


@test
def test_addresses_that_are_none():
  for address, code in (("localhost:99999", -22), ("unix:", -22), ("unix:" + "x" * 200, -22), ("unix:/nowhere/at/all", -2)):
    with Served(address) as served:
      assert served.port == code, (address, served.port)
  with Served() as served, Served("localhost:%d" % served.port) as second:
    assert second.port == -98  # EADDRINUSE


@test
def test_unix_socket():
  path = os.path.join(WORK, "sock")
  with Served("unix:" + path) as served:
    assert served.port == 0 and stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert kept(served.profile("heap")) == BLOCKS
    with Served("unix:" + path) as second:
      assert second.port == -98
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
  assert os.path.exists(path)
  with Served("unix:" + path) as served:  # the dead one's is replaced
    assert served.ask("", Host="anything")[0] == 200
    served.quit()
  assert not os.path.exists(path)
  with open(path, "w"):
    pass
  with Served("unix:" + path) as served:
    assert served.port == -98 and os.path.isfile(path), "what is no socket is left alone"


@test
def test_requests_of_another_server():
  done = subprocess.run([program("embeds")], stderr=subprocess.PIPE, text=True, timeout=60)
  assert done.returncode == 0, done.stderr


main()
