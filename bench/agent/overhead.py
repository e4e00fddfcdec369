#!/usr/bin/env python3
"""What being profiled costs: paired runs of one fixed piece of work.

overhead.py BUILD [REPETITIONS]. Each repetition runs the program once unprofiled (twice: the second
shows the noise) and once under each profiler, in a random order; the ratio is of the CPU time the
program itself reports. Prints the median ratio, and the smallest and the largest.
"""
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1])
REPETITIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 11
ROUNDS = "5000"
WORK = os.path.join(BUILD, "bench/agent/bench_agent_work")
OUT = tempfile.mkdtemp(prefix="sonde-bench-")


def sonde(hz):
  return [os.path.join(BUILD, "sonde"), "run", "-hz", str(hz), "-o", OUT + "/sonde.pb.gz", "--"], {}


def gperftools(hz):
  for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
    path = folder + "/libprofiler.so.0"
    if os.path.exists(path):
      return [], {"LD_PRELOAD": path, "CPUPROFILE": OUT + "/gperf", "CPUPROFILE_FREQUENCY": str(hz)}
  return None


def perf(hz):
  if not shutil.which("perf"):
    return None
  return ["perf", "record", "-q", "-F", str(hz), "-g", "-o", OUT + "/perf.data"], {}


CONFIGURATIONS = {
  "none": ([], {}),
  "none again": ([], {}),
  "sonde 100 Hz": sonde(100),
  "sonde 1000 Hz": sonde(1000),
  "gperftools 100 Hz": gperftools(100),
  "gperftools 1000 Hz": gperftools(1000),
  "perf -g 99 Hz": perf(99),
  "perf -g 999 Hz": perf(999),
}


def once(how):
  cmd, env = how
  done = subprocess.run(cmd + [WORK, ROUNDS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                        env={**os.environ, **env}, check=True)
  return float(done.stdout.split()[0])


def main():
  subprocess.run(["ninja", "-C", BUILD, "bench/agent/bench_agent_work"], stdout=subprocess.DEVNULL, check=True)
  present = {name: how for name, how in CONFIGURATIONS.items() if how}
  ratios = {name: [] for name in present}
  for _ in range(REPETITIONS):
    names = list(present)
    random.shuffle(names)
    seconds = {name: once(present[name]) for name in names}
    for name in names:
      ratios[name].append(seconds[name] / seconds["none"])
  print("%-20s %8s %8s %8s   (%d repetitions)" % ("profiler", "median", "least", "most", REPETITIONS))
  for name, values in ratios.items():
    print("%-20s %8.4f %8.4f %8.4f" % (name, statistics.median(values), min(values), max(values)))
  shutil.rmtree(OUT)


if __name__ == "__main__":
  main()
