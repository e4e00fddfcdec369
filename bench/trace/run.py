"""What does an execution trace cost? python3 run.py BUILD prints a table: ns a turn of two threads that hand one to each
other, with and without a trace, beside two goroutines under Go's tracer, and the bytes a turn in the file; and a table of
regions. In rounds of random order."""
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

RUNS = 9
REGIONS = 200000
TURNS = {0: 100000, 20: 20000}  # by microseconds of work between them
BUILD = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
PINGPONG = os.path.join(BUILD, "bench/trace/bench_trace_pingpong")
REGION_LOOP = os.path.join(BUILD, "bench/trace/bench_trace_regions")
WORK = tempfile.mkdtemp(prefix="bench-trace-")
FILE = os.path.join(WORK, "trace.out")


def go_program(name):
  if not shutil.which("go"):
    return None
  path = os.path.join(WORK, name)
  built = subprocess.run(["go", "build", "-o", path, os.path.join(HERE, name, "main.go")], capture_output=True)
  return path if built.returncode == 0 else None


def turn_variants(turns, micros):
  args = [str(turns), str(micros)]
  sonde = [os.path.join(BUILD, "sonde"), "run"]
  yield "two threads", None, [PINGPONG, *args]
  yield "in `sonde run`, waits not recorded", "two threads", [*sonde, "-threadcreate", os.path.join(WORK, "t.pb.gz"), PINGPONG, *args]
  yield "`sonde run -trace`", "two threads", [*sonde, "-trace", FILE, PINGPONG, *args]
  go = go_program("gopingpong")
  if go:
    yield "two goroutines", None, [go, *args]
    yield "runtime/trace", "two goroutines", [go, *args, FILE]


def region_variants(regions):
  yield "no trace", None, [REGION_LOOP, str(regions)]
  yield "traced", "no trace", [REGION_LOOP, str(regions), FILE]
  go = go_program("goregions")
  if go:
    yield "Go, no trace", None, [go, str(regions)]
    yield "Go, traced", "Go, no trace", [go, str(regions), FILE]


def measure(command):
  if os.path.exists(FILE):
    os.remove(FILE)
  out = subprocess.run(command, cwd=WORK, capture_output=True, text=True, check=True).stdout
  return float(out.split()[0]), os.path.getsize(FILE) if os.path.exists(FILE) else None


def table(title, unit, variants, n):
  runs = {name: (base, command, [], []) for name, base, command in variants}
  for _ in range(RUNS):
    for name in random.sample(list(runs), len(runs)):
      _, command, times, sizes = runs[name]
      ns, size = measure(command)
      times.append(ns)
      sizes.append(size)
  print("| %s | ns a %s, least (median, largest) | more than without | ratio of the medians | bytes a %s |\n|---|---|---|---|---|" %
        (title, unit, unit))
  for name, (base, _, times, sizes) in runs.items():
    row = [name, "%.0f (%.0f, %.0f)" % (min(times), statistics.median(times), max(times)), "", "", ""]
    if base:
      row[2] = "%.0f" % (statistics.median(times) - statistics.median(runs[base][2]))
      row[3] = "%.2f" % (statistics.median(times) / statistics.median(runs[base][2]))
    if sizes[0]:
      row[4] = "%.1f" % (statistics.median(sizes) / n)
    print("| " + " | ".join(row) + " |")
  print()


for micros, turns in TURNS.items():
  table("%d µs of work a turn" % micros, "turn", turn_variants(turns, micros), turns)
table("regions", "region", region_variants(REGIONS), REGIONS)
shutil.rmtree(WORK)
