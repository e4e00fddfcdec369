#!/usr/bin/env python3
"""Whole runs of benchmark programs, and of `sonde bench`, held to the files in expected/: standard
output with its numbers masked, and the exit status. run.py SAMPLE SONDE [sanitized]; UPDATE=1 rewrites. TAP.

Under a sanitizer the sample's runs alone, for their exit status and a clean standard error: its
allocator cannot be counted, and `sonde bench` does not build with its runtime.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GO = ["-benchcpu=false", "-benchnoise=false", "-cpu=2"]
CASES = {
  # name: (arguments, is it `sonde bench`?)
  "all-100x": (["-bench=.", "-benchtime=100x", "-skip=Fail|Early|Break|Stopped"], False),
  "benchmem-count2": (["-test.bench=Nop|Table", "--test.benchmem", "-count", "2", "-benchtime=10x"], False),
  "cpu-1,4": (["-bench=Nop", "-benchtime=10x", "-cpu=1,4"], False),
  "cpu-time": (["-bench=Nop", "-benchtime=10x", "-benchcpu"], False),
  "duration": (["-bench=Slow", "-short", "-benchtime=2ms"], False),
  "failures": (["-bench=Fail|Early|Break|Stopped", "-benchtime=10x"], False),
  "failfast": (["-bench=Fail|Break", "-failfast", "-benchtime=10x"], False),
  "hist": (["-bench=Loop", "-benchhist", "-benchtime=10x"], False),
  "json": (["-bench=Sub|Fail", "-json", "-pkg=p", "-benchtime=10x"], False),
  "list": (["-list=Temp|Nop"], False),
  "none": ([], False),
  "partial": (["-bench=/small", "-benchtime=10x"], False),
  "perf": (["-bench=Nop", "-benchtime=10x", "-benchperf=page-faults,context-switches"], False),
  "shuffle-5": (["-bench=Nop|Loop|Half", "-shuffle=5", "-benchtime=10x"], False),
  "skip-sub": (["-bench=Sub", "-skip=Sub/size|Sub/with", "-benchtime=10x"], False),
  "timeout": (["-bench=Slow", "-timeout=50ms", "-benchtime=1000x"], False),
  "verbose": (["-v", "-bench=Sub|Fail", "-benchtime=10x"], False),
  "bad-regexp": (["-bench=["], False),
  "bad-benchtime": (["-benchtime=0s"], False),
  "bad-cpu": (["-cpu=x"], False),
  "bad-flag": (["-zip"], False),
  "no-cpu-profiler": (["-bench=.", "-cpuprofile=c"], False),
  "no-profiler": (["-bench=.", "-blockprofile=b"], False),
  "tree": (["-benchtime=10x"], True),
  "tree-one": (["-benchtime=10x", "one_bench.c", "-benchmem"], True),
  "tree-json": (["-benchtime=10x", "-json", "sub/..."], True),
  "tree-profile": (["-cpuprofile=c", ".", "sub"], True),
  "tree-list": (["-list=.", ".", "sub"], True),
  "tree-missing": (["nothing"], True),
}


def mask(text):
  """Numbers with units, durations and the machine's name become letters; columns go."""
  text = re.sub(r"^cpu: .*\n", "", text, flags=re.M)
  text = re.sub(r"^goarch: .*$", "goarch: ARCH", text, flags=re.M)
  keep = r"(?!allocs/op|B/op|widgets/op|zero)"
  text = re.sub(r"\t *[0-9.]+ " + keep, "\tX ", text)
  text = re.sub(r"\t([^\t\n]*)\t[0-9.]+s$", r"\t\1\tTIMEs", text, flags=re.M)
  return text


def mask_event(line):
  event = json.loads(line)
  event.pop("Time")
  if "Elapsed" in event:
    event["Elapsed"] = "TIME"
  if "Output" in event:
    event["Output"] = mask(event["Output"])
  if event.get("Output", "x") == "":
    return ""
  return json.dumps(event) + "\n"


def run(name, sample, sonde, cache):
  args, is_sonde = CASES[name]
  args = (GO if args else []) + args
  cmd = [sonde, "bench"] + args if is_sonde else [sample] + args
  env = {**os.environ, "XDG_CACHE_HOME": cache, "CFLAGS": "-O1", "CXXFLAGS": "-O1"}
  for name_ in ("GOMAXPROCS", "CPPFLAGS", "LDFLAGS", "LDLIBS"):
    env.pop(name_, None)
  done = subprocess.run(cmd, cwd=os.path.join(HERE, "tree"), env=env, capture_output=True, text=True)
  out = done.stdout
  out = "".join(map(mask_event, out.splitlines())) if "-json" in args else mask(out)
  if name == "duration":
    out = re.sub(r"\t +[0-9]+\t", "\tN\t", out)
  # Of stderr, what is ours and does not hang on the machine.
  err = [line for line in done.stderr.splitlines() if re.match(r"(testing|panic|sonde bench|flag|invalid):? ?", line)]
  return out + "".join("! %s\n" % line for line in err) + "exit status %d\n" % done.returncode


def check_sanitized(sample):
  names = [name for name, (_, is_sonde) in CASES.items() if not is_sonde]
  failed = 0
  print("1..%d" % len(names))
  for i, name in enumerate(names, 1):
    with open(os.path.join(HERE, "expected", name), encoding="utf-8") as f:
      want = int(f.read().rsplit(None, 1)[1])
    done = subprocess.run([sample] + GO + CASES[name][0], cwd=os.path.join(HERE, "tree"), capture_output=True, text=True)
    ok = done.returncode == want and "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
    failed += not ok
    print("%s %d - %s" % ("ok" if ok else "not ok", i, name))
    if not ok:
      print("".join("# %s\n" % line for line in done.stderr.splitlines()))
  return 1 if failed else 0


def main():
  if sys.argv[3:] == ["sanitized"]:
    return check_sanitized(os.path.abspath(sys.argv[1]))
  sample, sonde = map(os.path.abspath, sys.argv[1:3])
  cache = tempfile.mkdtemp()
  failed = 0
  print("1..%d" % len(CASES))
  for i, name in enumerate(CASES, 1):
    path = os.path.join(HERE, "expected", name)
    got = run(name, sample, sonde, cache)
    if os.environ.get("UPDATE"):
      with open(path, "w", encoding="utf-8") as f:
        f.write(got)
    want = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    print("%s %d - %s" % ("ok" if got == want else "not ok", i, name))
    if got != want:
      failed += 1
      print("".join("# %s\n" % line for line in ["got:"] + got.splitlines() + ["want:"] + want.splitlines()))
  shutil.rmtree(cache)
  return 1 if failed else 0


sys.exit(main())
