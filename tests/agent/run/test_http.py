"""`sonde run -http`: every endpoint, by curl's eyes and by `go tool pprof`, and what may not be asked."""
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from agentlib import SONDE, WORK, Profile, Skip, ask, main, program, sonde_run, test

BLOCKS, BLOCK = 32, 1 << 20
PROGRAM = """import threading, time
kept = [bytearray(%d) for _ in range(%d)]
def busy():
  end = time.time() + 60
  while time.time() < end: sum(range(1000))
threads = [threading.Thread(target=busy) for _ in range(2)]
[t.start() for t in threads]
print("up", flush=True)
[t.join() for t in threads]
""" % (BLOCK, BLOCKS)


class Served:
  """A busy program, or another one that says when it is up, served."""

  def __init__(self, *flags, cmd=(sys.executable, "-c", PROGRAM), token=None):
    self.flags, self.cmd, self.token = flags, cmd, token

  def __enter__(self):
    self.run = subprocess.Popen([SONDE, "run", "-http=localhost:0", *self.flags, "--", *self.cmd],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                cwd=tempfile.mkdtemp(dir=WORK))
    line = self.run.stderr.readline()
    self.port = int(re.search(r"serving http://localhost:(\d+)/debug/pprof/", line).group(1))
    assert self.run.stdout.readline() == "up\n"
    assert self.ask("?token=" + self.token if self.token else "")[0] == 200
    return self

  def __exit__(self, *why):
    self.run.terminate()
    self.run.wait()

  def ask(self, path, method="GET", body=None, **headers):
    """Status, headers and body."""
    return ask(self.port, path, method, body, **headers)

  def profile(self, path):
    status, headers, body = self.ask(path)
    assert status == 200 and headers["Content-Type"] == "application/octet-stream", (status, body)
    file = tempfile.NamedTemporaryFile(dir=WORK, delete=False)
    file.write(body)
    file.close()
    return Profile(file.name)


@test
def test_cpu_on_request():
  with Served() as served:
    p = served.profile("profile?seconds=1")
    assert 0.9e9 < p.duration < 2e9 and p.types[1] == ("cpu", "nanoseconds")
    assert 0 < p.total() < 3.2e9
    assert any("PyEval" in name for frames, _ in p.samples for frame in frames for name in frame), "not symbolized"
    # Off again, so that the next begins at nothing.
    assert b"0\n" == served.ask("rate?profile=cpu")[2]


@test
def test_two_cpu_profiles_at_once():
  with Served() as served:
    got = []
    threads = [threading.Thread(target=lambda s=s: got.append(served.profile("profile?seconds=%d" % s))) for s in (1, 2)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    totals = sorted(p.total() for p in got)
    assert len(got) == 2 and 0 < totals[0] < totals[1], totals


@test
def test_joins_the_profile_that_is_recorded():
  with Served("-o", "all.pb.gz") as served:
    assert served.profile("profile?seconds=1").total() > 0
    assert served.ask("rate?profile=cpu")[2] == b"100\n"


@test
def test_threadcreate_in_all_forms():
  with Served() as served:
    assert served.profile("threadcreate").total(0) == 2
    text = served.ask("threadcreate?debug=1")[2].decode()
    assert text.startswith("threadcreate profile: total 2\n2 @ 0x") and "#\t0x" in text, text
    assert served.profile("threadcreate?seconds=1").total(0) == 0  # none since
    for path, name in (("threadcreate", "threadcreate"), ("threadcreate?seconds=1", "threadcreate-delta")):
      assert served.ask(path)[1]["Content-Disposition"] == 'attachment; filename="%s"' % name
    assert re.search(rb"The profiler holds \d+ KiB, and \d+ KiB to find live blocks again. Dropped", served.ask("")[2])


def blocks(profile, value):
  """How many of the program's blocks a heap profile has, each a byte longer than Python says. Estimates are rounded, of
  blocks and of bytes."""
  return sum(v[value] for _, v in profile.samples
             if v[value] > BLOCKS / 4 and abs(v[value + 1] - v[value] * (BLOCK + 1)) <= BLOCK // 2 + 1)


@test
def test_heap_from_the_start():
  with Served() as served:
    assert served.ask("rate?profile=heap")[2] == b"524288\n"
    p = served.profile("heap")
    assert p.period == 524288 and p.types[3] == ("inuse_space", "bytes")
    # Each is seen with a probability of 86 %, and stands for 1.16 of them.
    assert 0 < blocks(p, 2) <= 1.2 * BLOCKS, p.samples
    assert b"off" in served.ask("")[2]  # block and mutex


@test
def test_asked_before_the_program_is_up():
  """From the moment the address is printed every profile is there."""
  for _ in range(5):
    run = subprocess.Popen([SONDE, "run", "-http=localhost:0", "--", sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    port = int(re.search(r"serving http://localhost:(\d+)/", run.stderr.readline()).group(1))
    for path in ("heap", "threadcreate?debug=1", "goroutine?debug=2"):
      connection = http.client.HTTPConnection("localhost", port, timeout=60)
      connection.request("GET", "/debug/pprof/" + path)
      answer = connection.getresponse()
      assert (answer.status, len(answer.read()) > 0) == (200, True), (path, answer.status)
    run.communicate("\n", timeout=30)


@test
def test_heap_in_all_forms():
  with Served("-heaprate", "1") as served:
    assert blocks(served.profile("heap?gc=1"), 2) == blocks(served.profile("allocs"), 0) == BLOCKS
    assert blocks(served.profile("heap?seconds=1"), 0) == 0  # none since
    assert served.ask("heap?seconds=1&debug=1")[0] == 400
    text = served.ask("heap?debug=1")[2].decode()
    assert re.match(r"heap profile: \d+: \d+ \[\d+: \d+\] @ heap/2\n", text), text[:200]
    assert "%d: %d [%d: %d] @ 0x" % (2 * (BLOCKS, BLOCKS * (BLOCK + 1))) in text


@test
def test_heap_switched_off():
  with Served("-heaprate", "0") as served:
    assert served.ask("rate?profile=heap")[2] == b"0\n" and not served.profile("heap").samples
    assert served.ask("rate?profile=heap&rate=1", "POST")[2] == b"1\n"


@test
def test_heap_is_on_and_block_can_be():
  with Served() as served:
    heap = served.profile("heap")
    assert [t for t, _ in heap.types] == ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"], heap.types
    assert heap.total(1) >= heap.total(3) > 0
    assert served.ask("heap?debug=1")[2].startswith(b"heap profile: ")
    assert served.profile("block").total(0) == 0
    assert served.ask("rate?profile=block&rate=1", "POST")[2] == b"1\n"
    assert served.profile("block?seconds=1").total(0) > 0  # the interpreter's lock is passed around


def until(true):
  """Waits for what a loaded machine may take a while to bring about."""
  deadline = time.monotonic() + 10
  while not true():
    assert time.monotonic() < deadline
    time.sleep(0.05)


def where(profile):
  """How many threads are in each of parked.c's places."""
  places = ("wait_for_ever", "poll_for_ever", "spin", "main")
  return [profile.count(lambda names, place=place: place in names) for place in places]


@test
def test_goroutine_profile():
  with Served(cmd=(program("parked"), "300", "15")) as served:
    until(lambda: where(served.profile("goroutine")) == [300, 1, 1, 1])
    for _ in range(10):
      got = where(served.profile("goroutine"))
      assert got == [300, 1, 1, 1], got
    text = served.ask("goroutine?debug=1")[2].decode()
    assert text.startswith("goroutine profile: total 303\n") and re.search(r"^300 @ 0x", text, flags=re.M), text
    assert "pthread_cond_wait" in text and "poll" in text
    status, _, body = served.ask("goroutine?seconds=1")
    assert (status, body) == (400, b"\"seconds\" parameter is not supported for this profile type\n")
    out = served.run.communicate(timeout=60)[0]
    assert out == "" and served.run.returncode == 0, (out, served.run.returncode)  # nobody saw EINTR


@test
def test_goroutine_profile_while_the_program_takes_its_own():
  with Served(cmd=(program("line"), "often", tempfile.mkdtemp(dir=WORK))) as served:
    for _ in range(100):
      status, _, body = served.ask("goroutine?debug=1")
      assert status == 200 and body.startswith(b"goroutine profile: total 1\n"), (status, body)


@test
def test_goroutine_profile_of_ten_thousand():
  with Served(cmd=(program("parked"), "10000", "15")) as served:
    until(lambda: where(served.profile("goroutine")) == [10000, 1, 1, 1])


@test
def test_what_is_refused():
  with Served() as served:
    status, headers, body = served.ask("nothing")
    assert (status, headers["X-Go-Pprof"], body) == (404, "1", b"Unknown profile\n")
    assert served.ask("profile?seconds=-1")[0] == 400
    assert served.ask("profile?seconds=99999")[0] == 400
    assert served.ask("threadcreate?seconds=1&debug=1")[2] == b"seconds and debug params are incompatible\n"
    assert served.ask("trace?format=1.24")[0] == 400 and served.ask("cmdline")[0] == 403
    assert served.ask("?pid=1")[0] == 503
    assert served.ask("", Host="evil.example")[0] == 403
    assert served.ask("rate?profile=cpu&rate=100", "POST", Origin="http://evil.example")[0] == 403
    assert served.ask("rate?profile=cpu&rate=x", "POST")[0] == 400
    assert served.ask("threadcreate", "POST")[0] == 405


@test
def test_rate_by_post():
  with Served() as served:
    assert served.ask("rate?profile=cpu&rate=250", "POST")[2] == b"250\n"
    assert served.profile("profile?seconds=1").period == 4000000
    assert served.ask("rate?profile=cpu&rate=0", "POST")[2] == b"0\n"


@test
def test_cmdline_and_symbol():
  with Served("-httpcmdline") as served:
    assert served.ask("cmdline")[2].split(b"\0")[1:] == [b"-c", PROGRAM.encode()]
    address = re.search(r"#\t(0x[0-9a-f]+)\t(\S+)", served.ask("threadcreate?debug=1")[2].decode())
    want = "num_symbols: 1\n%s %s\n" % address.groups()
    assert served.ask("symbol", "POST", address.group(1))[2].decode() == want
    assert served.ask("symbol?" + address.group(1))[2].decode() == want


def reports(source, *flags):
  done = subprocess.run([SONDE, "pprof", "-top", *flags, source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        timeout=60, env={**os.environ, "PPROF_TMPDIR": WORK})
  return done.returncode == 0 and "Showing nodes" in done.stdout, done.stdout + done.stderr


def tops(source):
  done = subprocess.run([SONDE, "top", "-n", "1", "-view", "heap", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True, timeout=60)
  return done.returncode == 0 and "PyEval" in done.stdout, done.stdout + done.stderr


@test
def test_token():
  secret = os.path.join(WORK, "token")
  with open(secret, "w") as f:
    f.write("s3cret\n")
  for flag in ("-httptoken=s3cret", "-httptoken=@" + secret):
    with Served(flag, token="s3cret") as served:
      url = "http://localhost:%d/debug/pprof/heap" % served.port
      status, headers, body = served.ask("heap")
      assert status == 401 and headers["X-Go-Pprof"] == "1" and body.startswith(b"Unauthorized"), (status, body)
      ok, said = reports(url)
      assert not ok and "server response: 401 Unauthorized - Unauthorized" in said, said
      assert reports(url + "?token=s3cret")[0] and reports(url, "-header", "Authorization: Bearer s3cret")[0]
      assert tops("localhost:%d?token=s3cret" % served.port)[0]
  with open(secret, "w"):
    pass
  for wrong in ("@" + secret, "@/nowhere"):
    done = subprocess.run([SONDE, "run", "-http=localhost:0", "-httptoken=" + wrong, "true"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and wrong[1:] in done.stderr, done.stderr


@test
def test_other_machines_are_warned_of():
  for flags, warned in ((["-http=0.0.0.0:0"], True), (["-http=0.0.0.0:0", "-httptoken=x"], False), (["-http=localhost:0"], False)):
    run = sonde_run("true", flags=flags)
    assert ("other machines can reach" in run.err) == warned, run.err


@test
def test_unix_socket():
  path = os.path.join(WORK, "sock")
  address = "unix:" + path
  with socket.socket(socket.AF_UNIX) as dead:
    dead.bind(path)  # and nobody listens
  run = subprocess.Popen([SONDE, "run", "-http=" + address, "--", sys.executable, "-c", PROGRAM],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=WORK)
  try:
    line = run.stderr.readline()
    assert line == "sonde run: serving %s:/debug/pprof/\n" % address, line
    assert run.stdout.readline() == "up\n" and os.stat(path).st_mode & 0o777 == 0o600
    for source in (address + ":/debug/pprof/heap", address + ":/debug/pprof/profile?seconds=1"):
      ok, said = reports(source)
      assert ok, said
    ok, said = reports(address, "-seconds=1")
    assert ok and "Type: cpu" in said, said
    for source in (address, address + ":/debug/pprof/"):
      ok, said = tops(source)
      assert ok, said
    second = subprocess.run([SONDE, "run", "-http=" + address, "true"], stderr=subprocess.PIPE, text=True, cwd=WORK)
    assert second.returncode == 0 and "Address already in use; the program runs on without" in second.stderr, second.stderr
    assert not reports("unix:/nowhere/at/all:/debug/pprof/heap")[0]
  finally:
    run.terminate()
    run.communicate()
  assert not os.path.exists(path)


@test
def test_clients_that_vanish():
  with Served() as served:
    for text in (b"GET /debug/pprof/profile?seconds=30 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET", b"\0\xff\r\n\r\n"):
      with socket.create_connection(("127.0.0.1", served.port)) as s:
        s.sendall(text)
        time.sleep(0.3)
    time.sleep(0.5)
    assert served.ask("rate?profile=cpu")[2] == b"0\n"  # the one who had gone no longer holds it
    assert served.run.poll() is None


@test
def test_go_tool_pprof():
  if not shutil.which("go"):
    raise Skip("no go")
  with Served() as served:
    for path in ("profile?seconds=1", "threadcreate", "heap", "allocs"):
      done = subprocess.run(["go", "tool", "pprof", "-top", "http://localhost:%d/debug/pprof/%s" % (served.port, path)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                            env={**os.environ, "PPROF_TMPDIR": WORK, "PPROF_BINARY_PATH": "/nowhere"})
      assert done.returncode == 0 and "Py" in done.stdout, done.stdout + done.stderr


@test
def test_go_tool_pprof_with_a_token():
  if not shutil.which("go"):
    raise Skip("no go")
  with Served("-httptoken=s3cret", token="s3cret") as served:
    for query, shown in (("?token=s3cret", True), ("", False)):
      done = subprocess.run(["go", "tool", "pprof", "-top", "http://localhost:%d/debug/pprof/heap%s" % (served.port, query)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                            env={**os.environ, "PPROF_TMPDIR": WORK, "PPROF_BINARY_PATH": "/nowhere"})
      assert (done.returncode == 0 and "Py" in done.stdout) == shown, done.stdout + done.stderr
      assert shown or "401 Unauthorized - Unauthorized: this server wants its token" in done.stderr, done.stderr


@test
def test_address_in_use():
  with Served() as served:
    run = sonde_run("true", flags=["-http=localhost:%d" % served.port])
    assert "the program runs on without" in run.err, run.err


main()
