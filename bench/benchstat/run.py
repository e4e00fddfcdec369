#!/usr/bin/env python3
"""sonde benchstat beside Go's: wall and CPU time and peak memory of whole processes, and whether they agree.

run.py BUILD [RESULTS]. Two files of RESULTS (690,000, some 50 MB) results each are made, 200 benchmarks with three
units. Go's benchstat is taken from BENCHSTAT in the environment, or from the PATH
(`go install golang.org/x/perf/cmd/benchstat@latest`); without it only sonde's figures are printed.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

SONDE = os.path.join(os.path.abspath(sys.argv[1]), "sonde")
RESULTS = int(sys.argv[2]) if len(sys.argv) > 2 else 690000
RUNS = 9


def make(path, seed):
  rng = random.Random(seed)
  with open(path, "w", encoding="ascii") as out:
    out.write("goos: linux\ngoarch: amd64\npkg: example.org/x\n")
    for i in range(RESULTS):
      n = i % 200
      out.write("BenchmarkThing%d/size=%dk-8 \t%d\t%.1f ns/op\t%d B/op\t%d allocs/op\n" % (
        n, n % 7, rng.randint(1000, 9999999), rng.uniform(100, 200) * (n + 1), rng.randint(1, 4096),
        rng.randint(1, 64)))


def first_in_line():
  """Where it is allowed, what else runs on the machine waits: threads have the CPUs to themselves."""
  try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
  except PermissionError:
    pass


def run(command, out):
  """Wall and CPU seconds and peak MiB of a process."""
  with open(out, "wb") as f:
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=f, preexec_fn=first_in_line)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
  if status:
    sys.exit("%s failed" % command[0])
  return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(commands, outs):
  """Medians of the times and the largest peaks of RUNS runs of each command, in turn."""
  runs = [[run(command, out) for command, out in zip(commands, outs)] for _ in range(RUNS)]
  return [tuple(sorted(kind)[RUNS // 2] for kind in list(zip(*of_one))[:2]) + (max(r[2] for r in of_one),)
          for of_one in zip(*runs)]


def main():
  work = tempfile.mkdtemp(prefix="sonde-bench-")
  files = [os.path.join(work, name) for name in ("old.txt", "new.txt")]
  for seed, path in enumerate(files):
    make(path, seed)
  peer = os.environ.get("BENCHSTAT") or shutil.which("benchstat")
  commands = {"sonde benchstat": [SONDE, "benchstat"] + files}
  if peer:
    commands["Go's benchstat"] = [peer] + files
  print("| %.0f MB of results | wall s | CPU s | peak MiB |\n|---|---|---|---|" % (sum(map(os.path.getsize, files)) / 1e6))
  outs = [os.path.join(work, name) for name in commands]
  figures = dict(zip(commands, measure(list(commands.values()), outs)))
  for name, figure in figures.items():
    print("| %s | %.3f | %.3f | %.0f |" % ((name,) + figure))
  if peer:
    ours, theirs = figures.values()
    print("| ratio | %.1f | %.1f | %.2f |" % tuple(t / o for o, t in zip(ours, theirs)))
    texts = [open(os.path.join(work, name), "rb").read() for name in commands]
    print("\nThe outputs are %s." % ("identical" if texts[0] == texts[1] else "NOT identical"))
  shutil.rmtree(work)


main()
