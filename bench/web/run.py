#!/usr/bin/env python3
"""sonde pprof -http beside go tool pprof -http: the way to the first flame graph, in one run.

  run.py BUILD_DIR [STACKS...]      prints the tables of bench/results/ui.md

Profiles of STACKS (100,000, 500,000, 1,000,000) distinct stacks, some 36 frames deep, made by make_profile. Each server is
started anew: `up` is when it answers, `page` when the flame graph's page has been read from there on, both together are
what a user waits for before the browser begins to draw. Bytes are those sent to a browser that takes gzip, and the page
itself. Then what a user does next: sonde's further requests, and the page a second time. go is not asked for more than
GO_MAX stacks (500,000): a million would take it some 16 GB.
"""
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from peers import find_go

BUILD = os.path.abspath(sys.argv[1])
SIZES = [int(n) for n in sys.argv[2:]] or [100000, 500000, 1000000]
GO_MAX = int(os.environ.get("GO_MAX", "500000"))
TMP = tempfile.mkdtemp()
ENV = dict(os.environ, HOME=TMP, PPROF_TMPDIR=TMP)
RUNS = 3


def free_port():
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    return s.getsockname()[1]


class Server:
  """One run of `command -http`: seconds until it answers."""

  def __init__(self, command, profile):
    self.port = free_port()
    began = time.monotonic()
    self.process = subprocess.Popen(command + ["-symbolize=none", "-no_browser", "-http=localhost:%d" % self.port, profile],
                                    env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
      try:
        socket.create_connection(("127.0.0.1", self.port)).close()
        break
      except OSError:
        if self.process.poll() is not None:
          sys.exit("%s ended" % command)
        time.sleep(0.002)
    self.up = time.monotonic() - began

  def get(self, path, packed=True):
    """Seconds, bytes sent, tag. The body is read and dropped."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("localhost", self.port, timeout=600)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"} if packed else {})
    response = connection.getresponse()
    n = 0
    while chunk := response.read(1 << 20):
      n += len(chunk)
    connection.close()
    if response.status != 200:
      sys.exit("%s: %d" % (path, response.status))
    return time.monotonic() - began, n

  def peak(self):
    """MiB."""
    with open("/proc/%d/status" % self.process.pid) as f:
      return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))

  def stop(self):
    self.process.kill()
    self.process.wait()


def median(values):
  return sorted(values)[len(values) // 2]


def first_look(command, profile, runs):
  looks = []
  for _ in range(runs):
    server = Server(command, profile)
    seconds, sent = server.get("/ui/flamegraph")
    looks.append((server.up, seconds, sent, server.peak(), server.get("/ui/flamegraph", packed=False)))
    server.stop()
  whole = median([look[0] + look[1] for look in looks])
  return dict(up=median([l[0] for l in looks]), page=median([l[1] for l in looks]), whole=whole,
              sent=looks[0][2], size=looks[0][4][1], peak=max(l[3] for l in looks), again=median([l[4][0] for l in looks]))


def print_row(stacks, who, look):
  print("| %s | %s | %.2f | %.2f | %.2f | %.3f | %.1f | %.0f | %.3f |" % (
      format(stacks, ","), who, look["up"], look["page"], look["whole"], look["sent"] / 1e6, look["size"] / 1e6, look["peak"],
      look["again"]), flush=True)


def further(stacks, profile):
  server = Server([os.path.join(BUILD, "sonde"), "pprof"], profile)
  rows = []
  for path in ("flame.json", "flame.json?node=1", "flame.json?f=pkg7", "flame.json?f=pkg7", "top", "top?f=pkg7", "flame.json?g=lines"):
    seconds, sent = server.get("/ui/" + path)
    rows.append("| %s | `/ui/%s` | %.3f | %.3f |" % (format(stacks, ","), path, seconds, sent / 1e6))
  rows.append("| %s | peak MiB after all | %.0f | |" % (format(stacks, ","), server.peak()))
  server.stop()
  return rows


def main():
  go = find_go()
  print("| stacks | | up s | page s | both s | MB sent | MB of page | peak MiB | again s |\n|---|---|---|---|---|---|---|---|---|")
  more = []
  for stacks in SIZES:
    profile = os.path.join(TMP, "%d.pb.gz" % stacks)
    with open(profile, "wb") as f:
      subprocess.run([os.path.join(BUILD, "bench/report/make_profile"), str(stacks), "1"], stdout=f, check=True)
    print_row(stacks, "sonde", first_look([os.path.join(BUILD, "sonde"), "pprof"], profile, RUNS))
    if go and stacks <= GO_MAX:
      print_row(stacks, "go", first_look([go], profile, 1))
    more += further(stacks, profile)
  print("\n| stacks | sonde, one after the other | s | MB sent |\n|---|---|---|---|\n" + "\n".join(more))
  shutil.rmtree(TMP)


main()
