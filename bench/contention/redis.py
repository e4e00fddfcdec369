#!/usr/bin/env python3
"""What the profiles of heap, block and mutex cost redis-server under redis-benchmark, beside the same server without.

redis.py BUILD [ROUNDS [IO_THREADS [REQUESTS [PIPELINE]]]]: each round runs every mode, in a random order. Shown: requests a
second and, because a machine that does something else decides on those, the server's CPU time a request.
"""
import glob
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
ROUNDS, IO_THREADS, REQUESTS, PIPELINE = (int(arg) for arg in (sys.argv[2:] + ["9", "1", "60000", "1"][len(sys.argv) - 2:]))
OUT = tempfile.mkdtemp(prefix="sonde-bench-")
SOCKET = os.path.join(OUT, "redis.sock")
SERVER = ["redis-server", "--save", "", "--appendonly", "no", "--port", "0", "--unixsocket", SOCKET,
          "--io-threads", str(IO_THREADS)]


def recorded(*flags):
  return [os.path.join(BUILD, "sonde"), "run", *flags, "--"]


def profile(name, *flags):
  return ["-" + name, os.path.join(OUT, name + ".pb.gz"), *flags]


USUAL = profile("block", "-blockrate", "10000") + profile("mutex", "-mutexfraction", "100")
MODES = {
  "without sonde": [],
  "heap, 512 KiB": recorded(*profile("heap")),
  "block and mutex, 10 µs and 1 in 100": recorded(*USUAL),
  "block and mutex, everything": recorded(*profile("block"), *profile("mutex")),
  "heap, block and mutex, everything": recorded(*profile("heap"), *profile("block"), *profile("mutex")),
}


def cli(*words):
  return subprocess.run(["redis-cli", "-s", SOCKET, *words], capture_output=True, text=True).stdout


def server_pid():
  return next(int(line.split(":")[1]) for line in cli("info", "server").split("\n") if line.startswith("process_id:"))


def cpu_ns(pid):
  return sum(int(open(name).read().split()[0]) for name in glob.glob("/proc/%d/task/*/schedstat" % pid))


def run(mode):
  server = subprocess.Popen(MODES[mode] + SERVER, cwd=OUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  while cli("ping").strip() != "PONG":
    time.sleep(0.02)
  pid = server_pid()
  before = cpu_ns(pid)
  load = subprocess.run(["redis-benchmark", "-s", SOCKET, "-t", "get", "-n", str(REQUESTS), "-c", "50", "-P", str(PIPELINE), "--csv"],
                        capture_output=True, text=True, check=True)
  spent = cpu_ns(pid) - before
  cli("shutdown", "nosave")
  if server.wait():
    raise SystemExit("redis.py: the server ended with %d (%s)" % (server.returncode, mode))
  return float(load.stdout.strip().split("\n")[-1].split(",")[1].strip('"')), spent / REQUESTS


def cell(values, form):
  return "%s (%s–%s)" % tuple(form % v for v in (statistics.median(values), min(values), max(values)))


def main():
  seen = {mode: [] for mode in MODES}
  for _ in range(ROUNDS):
    for mode in random.sample(sorted(MODES), len(MODES)):
      seen[mode].append(run(mode))
  print("| GET, %d I/O threads, pipelines of %d | requests a second | ns of CPU a request | of the median |" % (IO_THREADS, PIPELINE))
  print("|---|---|---|---|")
  base = statistics.median(spent for _, spent in seen["without sonde"])
  for mode, runs in seen.items():
    rates, spent = zip(*runs)
    print("| %s | %s | %s | %.2f |" % (mode, cell(rates, "%.0f"), cell(spent, "%.0f"), statistics.median(spent) / base))


main()
