#!/usr/bin/env python3
"""What a profiler takes from a running program, by the gaps it makes (gaps.c).

gaps.py BUILD [REPETITIONS]. For each profiler and rate: interruptions a second, microseconds a
second they take, and the share of the program's time above the same program unprofiled in the
same repetition (median; least and most).
"""
import os
import random
import statistics
import subprocess
import sys

import overhead  # the profilers and how to start them

SECONDS = "2"


def once(build, how):
  cmd, env = how
  done = subprocess.run(cmd + [os.path.join(build, "bench/agent/bench_agent_gaps"), SECONDS],
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                        env={**os.environ, **env}, check=True)
  return [float(word) for word in done.stdout.split()[:2]]


def main():
  build = overhead.BUILD
  repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 9
  subprocess.run(["ninja", "-C", build, "bench/agent/bench_agent_gaps"], stdout=subprocess.DEVNULL, check=True)
  present = {name: how for name, how in overhead.CONFIGURATIONS.items() if how}
  seen = {name: [] for name in present}
  for _ in range(repetitions):
    names = list(present)
    random.shuffle(names)
    row = {name: once(build, present[name]) for name in names}
    for name in names:
      seen[name].append((*row[name], (row[name][1] - row["none"][1]) / 1e6 * 100))
  print("%-20s %8s %10s %9s %9s %9s   (%d repetitions of %s s)" % (
    "profiler", "gaps/s", "us/s", "share %", "least", "most", repetitions, SECONDS))
  for name, rows in seen.items():
    gaps, lost, share = zip(*rows)
    print("%-20s %8.0f %10.0f %9.3f %9.3f %9.3f" % (
      name, statistics.median(gaps), statistics.median(lost), statistics.median(share), min(share), max(share)))


main()
