#!/usr/bin/env python3
"""Made-up results under Go's benchstat and under ours: what they print must be the same, byte for byte.

  run.py SONDE [ROUNDS [SEED]]      TAP

Go's is taken from BENCHSTAT in the environment, from the PATH or from ~/go/bin; without it all is
skipped (`go install golang.org/x/perf/cmd/benchstat@latest`). A -0 does not occur: of it and 0, which are equal,
Go's sort puts either first, and what is printed has its sign. A round that differs prints its seed:
run.py SONDE 1 SEED repeats it.
"""
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile

SONDE = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 150
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
PEER = (os.environ.get("BENCHSTAT") or shutil.which("benchstat")
        or shutil.which("benchstat", path=os.path.expanduser("~/go/bin")))
UNITS = ["ns/op", "B/op", "allocs/op", "MB/s", "widgets", "ns/GC", "p99-ns", "\u00b5s/op", "B-max"]
NAMES = ["Sort", "Sort/size=10", "Sort/size=1k/kind=a", "Find-8", "Find/size=2k-8", "Hash/x=1/y=2-16", "A/b/c", "Z"]
ARGS = [
  [], [], [], ["-format=csv"], ["-alpha=0.3"], ["-confidence=0.8"], ["-row=.name"], ["-row=.name", "-col=/size"],
  ["-col=note"], ["-col=note@alpha", "-row=.fullname"], ["-table=goos", "-ignore=note"], ["-row=/size@num"],
  ["-filter=.unit:ns/op"], ["-filter=.name:Sort OR note:two"], ["-filter=-/size:1k .unit:(ns/op OR MB/s)"],
  ["-filter=.fullname:/[St]/"], ["-col=.file,note"], ["-ignore=note,goos"], ["-row=.fullname@alpha"],
  ["-col=note@(two one)"], ["-table=.config,pkg"], ["-format=csv", "-col=note", "-row=.name,/kind"],
]
BROKEN = ["BenchmarkBad 1", "BenchmarkBad 1 x ns/op", "BenchmarkBad x 1 ns/op", "BenchmarkBad 1 1", "Benchmark",
          "Unit ns/op better", "BenchmarkBad 1 1e400 ns/op", "PASS", "ok  x 1s", "Note: upper", "key:novalue"]


def number(rng, base):
  kind = rng.random()
  v = base * rng.uniform(0.8, 1.2)
  if kind < 0.5:
    return "%.*f" % (rng.randrange(4), v)
  if kind < 0.9:
    return "%d" % v
  return rng.choice(["0", "%e" % v, "%.17g" % v, "-%d" % (v + 1), "1", "0.0", "123456789012345678", "%d" % (v * 1e6)])


def line(rng, name, units, bases):
  blank = rng.choice([" ", "\t", " \t  "])
  fields = ["Benchmark" + name, str(rng.choice([1, 100, 12345678]))]
  for unit in units:
    fields += [number(rng, bases[unit]), unit]
  return blank.join(fields) + rng.choice(["", "", "", "  ", "\r"])


def make(rng, path):
  units = rng.sample(UNITS, rng.randint(1, 4))
  names = rng.sample(NAMES, rng.randint(1, 5))
  bases = {unit: 10 ** rng.uniform(-1, 6) for unit in units}
  out = []
  for unit in units:
    if rng.random() < 0.15:
      out.append("Unit %s %s" % (unit, rng.choice(["assume=exact", "better=higher", "better=lower", "assume=nothing"])))
  for key, values in ("goos", ["linux", "plan9"]), ("pkg", ["a", "b", "c"]), ("note", ["one", "two", ""]):
    if rng.random() < 0.7:
      out.append("%s: %s" % (key, rng.choice(values)))
  count = rng.choice([1, 2, 4, 6, 10, 30])
  for _ in range(count):
    if rng.random() < 0.1:
      out.append("%s: %s" % (rng.choice(["note", "pkg"]), rng.choice(["one", "two", ""])))
    for name in names:
      if rng.random() < 0.95:
        out.append(line(rng, name, units, bases))
    if rng.random() < 0.05:
      out.append(rng.choice(BROKEN))
  with open(path, "w", encoding="utf-8", newline="") as f:
    f.write("\n".join(out) + rng.choice(["\n", ""]))


def run(command, folder):
  got = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
  return got.stdout, got.stderr


def main():
  print("1..%d" % ROUNDS)
  failed = 0
  for seed in range(SEED, SEED + ROUNDS):
    rng = random.Random(seed)
    folder = tempfile.mkdtemp()
    files = ["a.txt", "b.txt", "c.txt"][:rng.choice([1, 2, 2, 2, 3])]
    for name in files:
      make(rng, os.path.join(folder, name))
    args = rng.choice(ARGS) + rng.choice([files, files, ["new=" + files[0]] + files[1:], files + files[:1]])
    theirs, ours = run([PEER] + args, folder), run([SONDE, "benchstat"] + args, folder)
    same = theirs == ours
    # Go walks a map where it takes the values of configuration keys: it may differ from itself.
    unsure = not same and any(run([PEER] + args, folder) != theirs for _ in range(8))
    print("%sok %d - seed %d%s" % ("" if same or unsure else "not ", seed - SEED + 1, seed,
                                   " # SKIP Go's answer is not always the same" if unsure else ""))
    if not same and not unsure:
      failed += 1
      print("# " + " ".join(args))
      for a, b in zip(theirs, ours):
        for text in difflib.unified_diff(a.decode().splitlines(), b.decode().splitlines(), "Go", "ours", "", "", 1, ""):
          print("# " + text)
    shutil.rmtree(folder)
  sys.exit(1 if failed else 0)


if PEER:
  main()
print("1..0 # SKIP no benchstat of Go's")
