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
RUNS = 5


def make(path, seed):
  rng = random.Random(seed)
  with open(path, "w", encoding="ascii") as out:
    out.write("goos: linux\ngoarch: amd64\npkg: example.org/x\n")
    for i in range(RESULTS):
      n = i % 200
      out.write("BenchmarkThing%d/size=%dk-8 \t%d\t%.1f ns/op\t%d B/op\t%d allocs/op\n" % (
        n, n % 7, rng.randint(1000, 9999999), rng.uniform(100, 200) * (n + 1), rng.randint(1, 4096),
        rng.randint(1, 64)))


def measure(command, out):
  """Median wall and CPU seconds and the largest peak MiB of RUNS runs."""
  wall, cpu, peak = [], [], []
  for _ in range(RUNS):
    with open(out, "wb") as f:
      start = time.monotonic()
      child = subprocess.Popen(command, stdout=f)
      _, status, usage = os.wait4(child.pid, 0)
      wall.append(time.monotonic() - start)
    if status:
      sys.exit("%s failed" % command[0])
    cpu.append(usage.ru_utime + usage.ru_stime)
    peak.append(usage.ru_maxrss / 1024)
  return sorted(wall)[RUNS // 2], sorted(cpu)[RUNS // 2], max(peak)


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
  figures = {name: measure(command, os.path.join(work, name)) for name, command in commands.items()}
  for name, figure in figures.items():
    print("| %s | %.3f | %.3f | %.0f |" % ((name,) + figure))
  if peer:
    ours, theirs = figures.values()
    print("| ratio | %.1f | %.1f | %.2f |" % tuple(t / o for o, t in zip(ours, theirs)))
    texts = [open(os.path.join(work, name), "rb").read() for name in commands]
    print("\nThe outputs are %s." % ("identical" if texts[0] == texts[1] else "NOT identical"))
  shutil.rmtree(work)


main()
