"""What does the heap profiler cost? python3 run.py BUILD prints two tables: ns a malloc and its free, back to back and
10 million times a second, with each profiler and with its allocator alone, in rounds of random order."""
import glob
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

RUNS = 15
ROUNDS, ROUNDS_OF_SLOW = 1000, 20  # in a process; the slow ones record every allocation
BUILD = os.path.abspath(sys.argv[1])
PAIRS = os.path.join(BUILD, "bench/heap/bench_heap_pairs")
SONDE = os.path.join(BUILD, "sonde")
WORK = tempfile.mkdtemp(prefix="bench-heap-")


def library(pattern):
  found = sorted(glob.glob("/usr/lib/*/" + pattern))
  return found[0] if found else None


def sonde(*flags):
  return [SONDE, "run", "-heap", os.path.join(WORK, "heap.pb.gz"), *flags, "--"]


def variants():
  yield "glibc", None, [], {}
  yield "libsonde loaded, nothing recorded", "glibc", [], {"LD_PRELOAD": os.path.join(BUILD, "libsonde.so")}
  yield "sonde, 512 KiB", "glibc", sonde(), {}
  yield "sonde, 16 KiB", "glibc", sonde("-heaprate", "16384"), {}
  tcmalloc = library("libtcmalloc.so.4")
  if tcmalloc:
    yield "tcmalloc", None, [], {"LD_PRELOAD": tcmalloc}
    yield "tcmalloc, sampling, 512 KiB", "tcmalloc", [], {
      "LD_PRELOAD": tcmalloc, "TCMALLOC_SAMPLE_PARAMETER": "524288"}
    yield "gperftools, HEAPPROFILE (every allocation)", "tcmalloc", [], {
      "LD_PRELOAD": tcmalloc, "HEAPPROFILE": os.path.join(WORK, "gperf")}
    yield "tcmalloc, sonde, 512 KiB", "tcmalloc", sonde(), {"LD_PRELOAD": tcmalloc}
  jemalloc = library("libjemalloc.so.2")
  if jemalloc:
    yield "jemalloc", None, [], {"LD_PRELOAD": jemalloc}
    yield "jemalloc, prof:true, 512 KiB", "jemalloc", [], {
      "LD_PRELOAD": jemalloc, "MALLOC_CONF": "prof:true,lg_prof_sample:19"}
    yield "jemalloc, sonde, 512 KiB", "jemalloc", sonde(), {"LD_PRELOAD": jemalloc}
  if shutil.which("heaptrack"):
    yield "heaptrack (every allocation)", "glibc", ["heaptrack", "-o", os.path.join(WORK, "ht")], {}


def measure(prefix, env, args):
  out = subprocess.run(prefix + [PAIRS, *args], cwd=WORK, env={**os.environ, **env}, capture_output=True, text=True, check=True)
  return next(float(line) for line in out.stdout.split("\n") if line.replace(".", "", 1).isdigit())


def gap_for(ns):
  """Times around the loop between pairs that make a pair and its gap take that long with glibc."""
  gap = ns
  for _ in range(5):
    took = min(measure([], {}, ["64", str(gap), str(ROUNDS)]) for _ in range(5))
    gap = round(gap * ns / took)
  return str(gap)


def table(gap):
  runs = {name: (base, prefix, env, []) for name, base, prefix, env in variants()}
  for _ in range(RUNS):
    for name in random.sample(list(runs), len(runs)):
      _, prefix, env, times = runs[name]
      rounds = ROUNDS_OF_SLOW if "every" in name else ROUNDS
      times.append(measure(prefix, env, ["64", gap, str(rounds)]))
  least = {name: min(run[3]) for name, run in runs.items()}
  print("| | ns, least (median, largest) | more than the base | ratio of the least | of the medians |\n|---|---|---|---|---|")
  for name, (base, _, _, times) in runs.items():
    row = [name, "%.1f (%.1f, %.1f)" % (least[name], statistics.median(times), max(times)), "", "", ""]
    if base:
      medians = statistics.median(times) / statistics.median(runs[base][3])
      row[2:] = ["%.2f" % (least[name] - least[base]), "%.3f" % (least[name] / least[base]), "%.3f" % medians]
    print("| " + " | ".join(row) + " |")


subprocess.run(["ninja", "-C", BUILD, "bench/heap/bench_heap_pairs"], stdout=subprocess.DEVNULL, check=True)
print("Back to back, 64 bytes:\n")
table("0")
print("\n10 million a second, 64 bytes:\n")
table(gap_for(100))
shutil.rmtree(WORK, ignore_errors=True)
