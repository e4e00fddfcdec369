#!/usr/bin/env python3
"""What recorded waits cost where nothing waits: the same turns with and without sonde, in one run.

run.py BUILD [ROUNDS] leaves bench-out/contention.md. Each round runs every kind of turn in every mode, in
a random order; a turn's time is the least of many in a process, and the median of those is shown, with
the smallest and the largest. There is no peer in Debian 12: mutrace is not packaged any more.
"""
import os
import random
import statistics
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7
LOCKS = os.path.join(BUILD, "bench/contention/bench_contention_locks")
OUT = tempfile.mkdtemp(prefix="sonde-bench-")
KINDS = ("mutex", "rdlock", "wrlock", "sem", "socket")


def recorded(*flags):
  return [os.path.join(BUILD, "sonde"), "run", *flags, "--"], {}


PROFILES = ("-block", OUT + "/block.pb.gz", "-mutex", OUT + "/mutex.pb.gz")
MODES = {
  "without sonde": ([], {}),
  "libsonde loaded, nothing recorded": ([], {"LD_PRELOAD": os.path.join(BUILD, "libsonde.so")}),
  "CPU profile": recorded("-o", OUT + "/cpu.pb.gz"),
  "block and mutex, 10 µs and 1 in 100": recorded(*PROFILES, "-blockrate", "10000", "-mutexfraction", "100"),
  "block and mutex, everything": recorded(*PROFILES),
}


def run(kind, mode):
  prefix, env = MODES[mode]
  done = subprocess.run(prefix + [LOCKS, kind], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                        env={**os.environ, **env}, check=True)
  return float(done.stdout)


def main():
  times = {(kind, mode): [] for kind in KINDS for mode in MODES}
  for _ in range(ROUNDS):
    for pair in random.sample(sorted(times), len(times)):
      times[pair].append(run(*pair))
  lines = ["| a turn, ns | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
  for mode in MODES:
    cells = []
    for kind in KINDS:
      seen = times[kind, mode]
      digits = 0 if kind == "socket" else 1
      cells.append("%.*f (%.*f–%.*f)" % (digits, statistics.median(seen), digits, min(seen), digits, max(seen)))
    lines.append("| %s | %s |" % (mode, " | ".join(cells)))
  os.makedirs("bench-out", exist_ok=True)
  with open("bench-out/contention.md", "w") as out:
    out.write("\n".join(lines) + "\n")
  print("\n".join(lines))


main()
