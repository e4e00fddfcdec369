#!/usr/bin/env python3
"""Profiles from servers, standard input and broken files; the shell on a terminal. TAP.

  sources.py SONDE INPUTS      INPUTS: the folder of small profiles of the golden tests
"""
import gzip
import http.server
import os
import pty
import select
import subprocess
import sys
import tempfile
import threading
import time

SONDE, INPUTS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
CPU = os.path.join(INPUTS, "cpu.pb.gz")
TMP = tempfile.mkdtemp()
ENV = {"PATH": os.environ["PATH"], "HOME": TMP, "TZ": "UTC", "PPROF_TMPDIR": TMP + "/saved", "TERM": "dumb",
       "XDG_STATE_HOME": TMP + "/state"}
asked = []
results = [0, 0]


class Server(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    asked.append((self.path, dict(self.headers)))
    if self.path.startswith("/gone"):
      self.send_response(404)
      self.send_header("X-Go-Pprof", "1")
      self.send_header("Content-Type", "text/plain; charset=utf-8")
      self.end_headers()
      self.wfile.write(b"no such profile\n")
      return
    if self.path.startswith("/moved"):
      self.send_response(302)
      self.send_header("Location", "/debug/pprof/profile")
      self.end_headers()
      return
    self.send_response(200)
    self.end_headers()
    self.wfile.write(open(CPU, "rb").read())

  def log_message(self, *args):
    pass


def sonde(*args, stdin=b""):
  return subprocess.run([SONDE, "pprof", "-symbolize=none"] + list(args), input=stdin, capture_output=True,
                        env=ENV, timeout=60)


def check(name, ok, p=None):
  results[0] += 1
  results[1] += not ok
  print("%sok %d - %s" % ("" if ok else "not ", results[0], name))
  if not ok and p:
    print("# rc %d\n# %s\n# %s" % (p.returncode, p.stdout[-400:], p.stderr[-400:]))


def lines(data):
  return data.decode().splitlines()


def servers(host):
  plain = sonde("-top", CPU)
  p = sonde("-top", "http://%s/debug/pprof/profile" % host)
  check("a URL gives what the file gives", p.returncode == 0 and p.stdout == plain.stdout, p)
  check("a copy is kept", os.path.exists(TMP + "/saved/pprof.prog.samples.cpu.001.pb.gz"), p)
  check("and said", b"Saved profile in %s/saved/pprof.prog.samples.cpu.001.pb.gz" % TMP.encode() in p.stderr, p)
  p = sonde("-top", "-seconds=7", "-header", "X-Token: s3cret", host)
  check("a host alone means its CPU profile", asked[-1][0] == "/debug/pprof/profile?seconds=7", p)
  check("headers are sent", asked[-1][1].get("X-Token") == "s3cret", p)
  p = sonde("-top", "http://%s/moved" % host)
  check("redirections are followed", p.stdout == plain.stdout, p)
  p = sonde("-top", "http://%s/gone" % host)
  check("a server's own words are passed on",
        p.returncode == 2 and b"server response: 404 Not Found - no such profile" in p.stderr, p)
  p = sonde("-top", "http://%s/a" % host, "http://%s/gone" % host, "http://%s/b" % host)
  check("of several, one may fail", p.returncode == 0 and b"Fetched 2 source profiles out of 3" in p.stderr, p)
  check("the others are merged", b"2.18s" in p.stdout, p)
  p = sonde("-top", "-timeout=1", "http://127.0.0.1:1/x")
  check("nobody there", p.returncode == 2 and b"http fetch: Get" in p.stderr, p)
  p = sonde("-top", "-max_memory=100", "http://%s/big" % host)
  check("-max_memory bounds what is fetched", p.returncode == 2 and b"max_memory" in p.stderr, p)


def files():
  data = open(CPU, "rb").read()
  plain = sonde("-top", CPU)
  check("standard input", sonde("-top", "-", stdin=data).stdout == plain.stdout)
  p = sonde("-top", "/nonexistent/file")
  check("a file that is not there", p.returncode == 2 and
        lines(p.stderr)[0] == "/nonexistent/file: stat /nonexistent/file: no such file or directory", p)
  for name, bad in [("cut", data[:len(data) // 2]), ("noise", bytes(range(256)) * 4), ("empty", b""),
                    ("bomb", gzip.compress(b"\0" * (40 << 20)))]:
    path = os.path.join(TMP, name)
    with open(path, "wb") as f:
      f.write(bad)
    p = sonde("-top", path)
    check("%s: refused with its name" % name,
          p.returncode == 2 and path.encode() in p.stderr and b"failed to fetch any source profiles" in p.stderr, p)
    p = sonde("-top", path, CPU)
    check("%s: the other source is shown" % name, p.returncode == 0 and p.stdout == plain.stdout, p)
  p = sonde("-top", "-max_memory=300", CPU)
  check("-max_memory bounds a file", p.returncode == 2 and b"(-max_memory allows more)" in p.stderr, p)
  p = sonde("-top", "-max_memory=800", "-", stdin=gzip.decompress(data))
  check("-max_memory bounds what is read", p.returncode == 2 and
        b"needs more than 800 bytes of memory (-max_memory allows more)" in p.stderr, p)
  out = TMP + "/out.txt"
  p = sonde("-top", "-output=" + out, CPU)
  check("-output", open(out, "rb").read() == plain.stdout and p.stderr == b"Generating report in %s\n" % out.encode(), p)
  p = sonde("-peek=nosuch", "-output=" + TMP + "/none.txt", CPU)
  check("a report that fails leaves no file", p.returncode == 2 and not os.path.exists(TMP + "/none.txt"), p)
  p = sonde("-top", "-output=%s/no/dir" % TMP, CPU)
  check("an output that cannot be made", p.returncode == 2 and
        lines(p.stderr)[-1] == "pprof: open %s/no/dir: no such file or directory" % TMP, p)
  p = sonde("-top", "-output=/dev/full", CPU)
  check("a full disk", p.returncode == 2 and b"pprof: write /dev/full: no space left on device" in p.stderr, p)
  p = sonde("-top", TMP)
  check("a folder is no profile", b"read %s: is a directory" % TMP.encode() in p.stderr, p)
  p = sonde("-top", SONDE, CPU)
  check("a binary before the profile names it", b"File: sonde" in p.stdout, p)


class Terminal:
  def __init__(self):
    self.pid, self.fd = pty.fork()
    if self.pid == 0:
      os.chdir(TMP)
      os.execve(SONDE, ["sonde", "pprof", "-symbolize=none", CPU], dict(ENV, TERM="xterm"))
    self.text = b""

  def wait_for(self, what, since=0):
    end = time.monotonic() + 20
    while what not in self.text[since:] and time.monotonic() < end:
      if select.select([self.fd], [], [], 0.2)[0]:
        try:
          self.text += os.read(self.fd, 65536)
        except OSError:
          break
    return what in self.text[since:]

  def type(self, keys, what):
    since = len(self.text)
    os.write(self.fd, keys)
    return self.wait_for(what, since)


def terminal():
  t = Terminal()
  check("a prompt", t.wait_for(b"(pprof) "))
  check("a command is completed", t.type(b"call\t", b"callgrind"))
  check("a variable is completed", t.type(b"\x15nodef\t", b"raction="))
  check("a value is completed", t.type(b"\x15granularity=ad\t", b"dresses"))
  check("a function is completed by a part of its name", t.type(b"\x15peek next_t\t", b"oken"))
  check("and looked at", t.type(b"\n", b"peek_char (inline)"))
  check("a pipe", t.type(b"top | tr a-z A-Z\n", b"NEXT_TOKEN"))
  check("history", t.type(b"\x10", b"top | tr"))
  check("redirection", t.type(b"\x15tree > tree.txt\n", b"Generating report in tree.txt"))
  t.type(b"tags\n", b"phase")
  check("the file is there", os.path.getsize(TMP + "/tree.txt") > 100)
  os.write(t.fd, b"quit\n")
  check("quit", os.waitpid(t.pid, 0)[1] == 0)
  check("history is kept", b"tree" in open(TMP + "/state/sonde/pprof_history", "rb").read())


def main():
  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  servers("127.0.0.1:%d" % server.server_port)
  files()
  terminal()
  print("1..%d" % results[0])
  sys.exit(1 if results[1] else 0)


main()
