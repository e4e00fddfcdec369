#!/usr/bin/env python3
"""How true are the harness's numbers? run.py BUILD writes bench-out/harness.md.

Spins of known length, calibrated by their undisturbed CPU time, under sonde's harness and under
Go's where `go` is installed, in turn, on the quiet machine and beside as many busy loops as it has
CPUs. Reported: the median, the middle half of the results around it, and what each harness said
about being disturbed.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = max(2, int(os.environ.get("ROUNDS", "7")))  # quartiles want two
TRUTH = {"Spin/1us": 1e3, "Spin/20us": 2e4, "Spin/1ms": 1e6}
LINE = re.compile(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$", re.M)


def results(text):
  """name → {unit: value} of each result line."""
  for name, rest in LINE.findall(text):
    fields = rest.split()
    yield name, {unit: float(value) for value, unit in zip(fields[::2], fields[1::2])}


def build(build_dir, tmp):
  """The programs, by name; and the calibration."""
  cc = os.environ.get("CC", "cc")
  calibrate = os.path.join(tmp, "calibrate")
  subprocess.run([cc, "-O2", "-o", calibrate, os.path.join(HERE, "calibrate.c")], check=True)
  ours = os.path.join(tmp, "spin.bench")
  subprocess.run([os.path.join(build_dir, "sonde"), "bench", "-o", ours, os.path.join(HERE, "spin_bench.c")],
                 check=True)
  programs = {"sonde": [ours]}
  go = shutil.which("go")
  peer = os.path.join(tmp, "spin.test")
  env = {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off"}
  if go and not subprocess.run([go, "test", "-c", "-o", peer, "."], cwd=os.path.join(HERE, "gospin"),
                               env=env).returncode:
    programs["go"] = [peer]
  steps = int(subprocess.run([calibrate], capture_output=True, check=True).stdout)
  return programs, steps


def measure(programs, steps, busy):
  """{(harness, benchmark): [{unit: value}]} and how many results each harness marked."""
  env = {**os.environ, "SPIN_STEPS_PER_US": str(steps)}
  loads = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
  got = {}
  try:
    for _ in range(ROUNDS):
      for harness, program in programs.items():
        args = ["-test.bench=EmptyN|EmptyLoop|Spin", "-test.benchtime=200ms", "-test.cpu=1"]
        done = subprocess.run(program + args, env=env, capture_output=True, text=True, check=True)
        for name, metrics in results(done.stdout):
          got.setdefault((harness, name), []).append(metrics)
  finally:
    for load in loads:
      load.kill()
      load.wait()
  return got


def timer_pair(programs, steps):
  """ns a StopTimer+StartTimer pair takes, wall time: the harness times itself out of its own."""
  cost = {}
  for harness, program in programs.items():
    n = 200000 if harness == "sonde" else 2000
    args = ["-test.bench=TimerPair", "-test.benchtime=%dx" % n]
    seconds = []
    for count in (args[:1] + ["-test.benchtime=1x"], args):
      begin = time.perf_counter()
      subprocess.run(program + count, capture_output=True, check=True)
      seconds.append(time.perf_counter() - begin)
    cost[harness] = (seconds[1] - seconds[0]) / n * 1e9
  return cost


def row(name, truth, values):
  median = statistics.median(values)
  low, _, high = statistics.quantiles(values, n=4)
  text = "%.4g" % median
  spread = "±%.0f%%" % (50 * (high - low) / median)
  return [name, text, spread, "%+.1f%%" % (100 * (median / truth - 1)) if truth else ""]


def table(got, programs):
  lines = ["| benchmark | harness | metric | median | middle half | off the truth | marked |",
           "|---|---|---|---|---|---|---|"]
  for name in ["EmptyN", "EmptyLoop"] + list(TRUTH):
    for harness in programs:
      runs = got[harness, name]
      marked = "%d of %d" % (sum("noise-%" in m for m in runs), len(runs)) if harness == "sonde" else "never"
      for unit in ("ns/op", "cpu-ns/op"):
        if unit in runs[0]:
          cells = row(name, TRUTH.get(name), [m[unit] for m in runs])
          lines.append("| %s | %s | %s | %s | %s | %s | %s |" % (cells[0], harness, unit, *cells[1:], marked))
  return "\n".join(lines)


def main():
  build_dir = sys.argv[1]
  os.makedirs("bench-out", exist_ok=True)
  tmp = tempfile.mkdtemp()
  programs, steps = build(build_dir, tmp)
  versions = subprocess.run(["go", "version"], capture_output=True, text=True).stdout.strip() \
    if "go" in programs else "go is not installed"
  cpus = os.cpu_count()
  text = ["# The benchmark harness, measured", "",
          "Spins calibrated by their undisturbed CPU time, %d rounds of 200 ms each, the two harnesses in turn" % ROUNDS,
          "(%s; %d CPUs). `bench/harness/run.sh BUILD` repeats it." % (versions, cpus), ""]
  for title, busy in (("Quiet", 0), ("Beside %d busy loops" % (2 * cpus), 2 * cpus)):
    text += ["## " + title, "", table(measure(programs, steps, busy), programs), ""]
  pair = timer_pair(programs, steps)
  text += ["## A stop and start of the timer, wall time",
           "", *("- %s: %.0f ns" % item for item in pair.items()), ""]
  with open("bench-out/harness.md", "w", encoding="utf-8") as f:
    f.write("\n".join(text))
  print("\n".join(text))
  shutil.rmtree(tmp)


main()
