"""`sonde top`: frames of a recorded process and of a server, on a terminal and without one."""
import http.server
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time

from agentlib import SONDE, WORK, main, program, sonde_run, test

BUSY = [sys.executable, "-c", "import time\nend = time.time() + 20\nwhile time.time() < end: sum(range(1000))"]


class Busy:
  """A busy program under `sonde run`; its id is sonde's."""

  def __enter__(self):
    self.run = subprocess.Popen([SONDE, "run", "-o", os.path.join(WORK, "busy.pb.gz"), "--"] + BUSY,
                                stderr=subprocess.DEVNULL)
    time.sleep(1)
    return self.run.pid

  def __exit__(self, *why):
    self.run.terminate()
    self.run.wait()


def top(*args, expect=0):
  done = subprocess.run([SONDE, "top", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        stdin=subprocess.DEVNULL, timeout=60)
  assert done.returncode == expect, "status %d: %s%s" % (done.returncode, done.stdout, done.stderr)
  return done.stdout if expect == 0 else done.stderr


@test
def test_frames_of_a_process():
  with Busy() as pid:
    frames = top("-d", 1, "-n", 3, pid).split("sonde top - ")[1:]
    assert len(frames) == 3, frames
    assert "since the start" in frames[0] and "1 thread seen" in frames[0], frames[0]
    for frame in frames[1:]:
      assert re.search(r"in the last 1\.\d s: [\d.]+m?s, \d+% of one CPU", frame), frame
    for frame in frames:
      assert re.search(r"^ +[\d.]+m?s +[\d.]+% +[\d.]+m?s +[\d.]+%  \S", frame, flags=re.M), frame
    frame = top("-n", 1, "-cum", pid)
    assert "by cum" in frame and re.search(r"flat%\s+cum\s+cum%\n\s+\S+\s+\S+\s+\S+\s+(9\d|100)(\.\d+)?%", frame), frame


@test
def test_what_is_not_recorded_is_said():
  with Busy() as pid:
    assert "wall profile" in top("-view", "wall", pid, expect=1)
  assert "not recorded; start it by `sonde run`" in top(os.getpid(), expect=1)
  assert "there is no process" in top(2 ** 30, expect=1)
  assert "no such view" in top("-view", "zip", 1, expect=2)
  assert "one process id or URL" in top(expect=2)


def read_until(fd, what, seconds):
  seen, end = b"", time.time() + seconds
  while what not in seen and time.time() < end:
    if select.select([fd], [], [], 0.2)[0]:
      seen += os.read(fd, 65536)
  assert what in seen, seen[-2000:]
  return seen


@test
def test_terminal():
  with Busy() as pid:
    child, fd = pty.fork()
    if child == 0:
      os.environ["TERM"] = "xterm"
      os.execv(SONDE, [SONDE, "top", "-d", "1", str(pid)])
    read_until(fd, b"by flat", 10)
    os.write(fd, b"s")
    read_until(fd, b"by cum", 10)
    os.write(fd, b"q")
    read_until(fd, b"\x1b[?1049l", 10)  # the screen as it was
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(fd)


class Handler(http.server.BaseHTTPRequestHandler):
  profile, asked = b"", []

  def do_GET(self):
    Handler.asked.append(self.path)
    found = self.path.startswith("/debug/pprof/profile")
    self.send_response(200 if found else 404)
    self.end_headers()
    self.wfile.write(self.profile if found else b"Unknown profile")

  def log_message(self, *args):
    pass


@test
def test_frames_of_a_server():
  Handler.profile = open(sonde_run(program("stacks"), expect=None).path, "rb").read()
  server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  url = "http://127.0.0.1:%d" % server.server_port
  frame = top("-d", 1, "-n", 1, url + "/debug/pprof/")
  assert url in frame and "CPU time in the last 1.0 s" in frame, frame
  assert Handler.asked == ["/debug/pprof/profile?seconds=1"], Handler.asked
  assert "404" in top("-n", 1, "-view", "heap", url, expect=1)
  server.shutdown()
  assert "sonde top: http fetch" in top("-n", 1, url, expect=1)


main()
