#!/usr/bin/env python3
"""`sonde bench -base`, `-vs`, `-count=auto` and the profile flags, run as a user runs them:
versus.py SONDE. TAP.

What is compared are metrics that the benchmarks report themselves, so that no verdict hangs on
how busy the machine is.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SONDE = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp(prefix="sonde-test-")
ENV = {**os.environ, "XDG_CACHE_HOME": os.path.join(WORK, "cache"), "CFLAGS": "-O1",
       "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
SOURCE = """#include <sonde/bench.h>
BENCH(First) { while (bench_loop(b)) bench_keep(b); bench_report_metric(b, %d, "widgets/op"); }
BENCH(Second) { while (bench_loop(b)) bench_keep(b); bench_report_metric(b, 3, "widgets/op"); }
BENCH(Third) { bench_run(b, "small", FirstBench, NULL); }
"""
SUBS = ("static void FirstBench(struct bench *b) { while (bench_loop(b)) bench_keep(b); "
        "bench_report_metric(b, 4, \"widgets/op\"); }\n")
TESTS = []


def test(fn):
  TESTS.append(fn)
  return fn


def run(*cmd, cwd, expect=0):
  done = subprocess.run(cmd, cwd=cwd, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
  assert done.returncode == expect, "%s: status %d\n%s%s" % (cmd, done.returncode, done.stdout, done.stderr)
  return done


def write(folder, widgets):
  head, rest = SOURCE.split("\n", 1)
  with open(os.path.join(folder, "w_bench.c"), "w", encoding="utf-8") as f:
    f.write(head + "\n" + SUBS + rest % widgets)


def repository(name):
  """One commit with 10 widgets, a working tree with 7."""
  folder = os.path.join(WORK, name)
  os.mkdir(folder)
  write(folder, 10)
  run("git", "init", "-q", ".", cwd=folder)
  run("git", "add", ".", cwd=folder)
  run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "ten", cwd=folder)
  write(folder, 7)
  return folder


def row(text, unit, name):
  """The line of a benchmark in the table of a unit."""
  for table in text.split("\n\n"):
    if unit in table:
      for line in table.split("\n"):
        if line.startswith(name):
          return line
  raise AssertionError("no %s in %s of:\n%s" % (name, unit, text))


@test
def base_compares_with_a_revision():
  folder = repository("base")
  out = run(SONDE, "bench", "-base=HEAD", "-count=6", "-benchtime=10x", cwd=folder).stdout
  assert re.search(r"10\.000 .* 7\.000 .*-30\.00% \(p=0\.002 n=6\)", row(out, "widgets/op", "First")), out
  assert "~ (p=1.000 n=6)" in row(out, "widgets/op", "Second"), out
  assert "HEAD" in out and "this" in out and "noise-%" not in out, out
  run("git", "diff", "--quiet", "--", ".gitignore", cwd=folder)
  assert run("git", "status", "--porcelain", cwd=folder).stdout == " M w_bench.c\n"


@test
def base_of_no_revision_says_so():
  folder = repository("norev")
  err = run(SONDE, "bench", "-base=nothing", cwd=folder, expect=1).stderr
  assert "nothing: no such revision" in err, err


@test
def vs_compares_with_a_kept_program():
  folder = repository("vs")
  run("git", "stash", "-q", cwd=folder)
  run(SONDE, "bench", "-c", "-o", "old.bench", cwd=folder)
  run("git", "stash", "pop", "-q", cwd=folder)
  out = run(SONDE, "bench", "-vs=old.bench", "-count=4", "-benchtime=10x", "-bench=First", cwd=folder).stdout
  assert re.search(r"10\.000 .* 7\.000 ", row(out, "widgets/op", "First")), out
  assert "Second" not in out, out


@test
def vs_takes_sub_benchmarks_by_pattern():
  folder = repository("subs")
  run(SONDE, "bench", "-c", "-o", "old.bench", cwd=folder)
  out = run(SONDE, "bench", "-vs=old.bench", "-count=2", "-benchtime=10x", "-bench=Third/small", cwd=folder).stdout
  assert "4.000" in row(out, "widgets/op", "Third/small"), out


@test
def vs_without_a_match_says_so():
  folder = repository("nomatch")
  run(SONDE, "bench", "-c", "-o", "old.bench", cwd=folder)
  err = run(SONDE, "bench", "-vs=old.bench", "-bench=Nowhere", cwd=folder, expect=1).stderr
  assert "no benchmark matches -bench=Nowhere" in err, err


@test
def count_auto_repeats_within_its_time():
  folder = repository("auto")
  out = run(SONDE, "bench", "-count=auto", "-bench=First|Second", "-benchtime=20x", "-benchnoise=false",
            cwd=folder).stdout
  for name in ("First", "Second"):
    n = len(re.findall(r"^Benchmark%s\b" % name, out, flags=re.M))
    assert 6 <= n, "%d runs of %s: no interval has less than six\n%s" % (n, name, out)


def types_of(folder, file):
  """The sample types of a profile, by sonde's own eyes."""
  raw = run(SONDE, "pprof", "-raw", file, cwd=folder).stdout
  return re.search(r"^Samples:\n(.*)$", raw, flags=re.M).group(1)


@test
def profiles_by_sonde_run():
  folder = repository("profiles")
  run(SONDE, "bench", "-bench=First", "-benchtime=10x", "-cpuprofile=c", "-memprofile=m", "-memprofilerate=1",
      "-blockprofile=b", "-mutexprofile=x", "-outputdir", folder, cwd=folder)
  assert types_of(folder, "c") == "samples/count cpu/nanoseconds"
  assert types_of(folder, "m").startswith("alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes")
  for file in "b", "x":
    assert types_of(folder, file) == "contentions/count delay/nanoseconds"


@test
def profiles_of_a_program_that_has_the_profiler():
  folder, build = repository("linked"), os.path.dirname(SONDE)
  ENV["LDLIBS"] = "-Wl,--no-as-needed -L%s -lsonde -Wl,-rpath,%s" % (build, build)
  try:
    run(SONDE, "bench", "-c", "-o", "w.bench", cwd=folder)
  finally:
    del ENV["LDLIBS"]
  run("./w.bench", "-test.bench=First", "-test.benchtime=10x", "-test.cpuprofile=c", "-test.blockprofile=b",
      "-test.mutexprofile=x", cwd=folder)
  assert types_of(folder, "c") == "samples/count cpu/nanoseconds"
  for file in "b", "x":
    assert types_of(folder, file) == "contentions/count delay/nanoseconds"


def main():
  print("1..%d" % len(TESTS))
  failed = 0
  for number, fn in enumerate(TESTS, 1):
    try:
      fn()
      print("ok %d %s" % (number, fn.__name__.replace("_", " ")))
    except Exception as why:  # a test's failure of any sort
      failed += 1
      print("not ok %d %s" % (number, fn.__name__.replace("_", " ")))
      print("".join("# %s\n" % line for line in str(why).split("\n")), end="")
  shutil.rmtree(WORK, ignore_errors=True)
  sys.exit(1 if failed else 0)


main()
