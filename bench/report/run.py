#!/usr/bin/env python3
"""sonde pprof beside go tool pprof: time and memory of whole processes, in one run.

  run.py BUILD_DIR [STACKS [CASE...]]      prints the table of bench/results/report.md, or some of its rows

Inputs are made by make_profile: STACKS (100,000) distinct stacks some 36 frames deep; the same with labels; ten of
them to merge; and stacks that mostly take the beaten path, on which Go is much faster. Without `go` only sonde's figures are printed. `floor` is libdeflate-gunzip of the same file, if there
is one: no reader can do with less. -tags of a profile without labels hardly does more than read.
"""
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from peers import find_go

BUILD = os.path.abspath(sys.argv[1])
STACKS = sys.argv[2] if len(sys.argv) > 2 else "100000"
ONLY = sys.argv[3:]
TMP = tempfile.mkdtemp()
ENV = dict(os.environ, HOME=TMP, PPROF_TMPDIR=TMP)


def measured(command, runs):
  """Median CPU seconds and the largest peak MiB. The child's peak must not be this process's."""
  script = "import os,resource,subprocess,sys;n=os.open('/dev/null',1);" \
           "p=subprocess.run(sys.argv[1:],stdout=n,stderr=n);r=resource.getrusage(resource.RUSAGE_CHILDREN);" \
           "print(r.ru_utime+r.ru_stime,r.ru_maxrss/1024,p.returncode)"
  results = []
  for _ in range(runs):
    out = subprocess.run([sys.executable, "-I", "-S", "-c", script] + command, capture_output=True, text=True, env=ENV)
    cpu, peak, rc = out.stdout.split()
    if rc != "0":
      return None
    results.append((float(cpu), float(peak)))
  return sorted(r[0] for r in results)[len(results) // 2], max(r[1] for r in results)


def make(name, *args):
  path = os.path.join(TMP, name + ".pb.gz")
  with open(path, "wb") as f:
    subprocess.run([os.path.join(BUILD, "bench/report/make_profile")] + list(args), stdout=f, check=True)
  return path


def main():
  one, other = make("one", STACKS, "1"), make("other", STACKS, "2")
  labels = make("labels", STACKS, "3", "labels")
  ten = [make("m%d" % i, STACKS, str(10 + i)) for i in range(10)]
  cases = [("-" + c, ["-" + c, one]) for c in ["top", "tree", "dot", "traces", "raw", "proto", "tags", "callgrind"]]
  cases += [("-top -diff_base", ["-top", "-diff_base=" + other, one]), ("-top, labels", ["-top", labels]),
            ("-tags, labels", ["-tags", labels]), ("-top, ten merged", ["-top"] + ten)]
  beaten, beaten_too = make("beaten", STACKS, "1", "beaten"), make("beaten_too", STACKS, "2", "beaten")
  cases += [("-%s, beaten path" % c, ["-" + c, beaten]) for c in ["top", "tree", "dot", "traces", "raw", "proto"]]
  cases += [("-top -diff_base, beaten path", ["-top", "-diff_base=" + beaten_too, beaten])]
  cases = [c for c in cases if not ONLY or c[0] in ONLY]
  go = find_go()
  print("| report | sonde CPU s | MiB | go tool pprof CPU s | MiB | faster | less memory |\n|---|---|---|---|---|---|---|")
  for name, args in cases:
    args = ["-symbolize=none", "-output=/dev/null"] + args
    mine = measured([os.path.join(BUILD, "sonde"), "pprof"] + args, 5)
    slow = "labels" in name or "merged" in name or "diff" in name
    theirs = measured([go] + args, 1 if slow else 3) if go else None
    row = "| %s | %.3f | %.0f |" % (name, mine[0], mine[1])
    if theirs:
      row += " %.2f | %.0f | %.0f x | %.1f x |" % (theirs + (theirs[0] / mine[0], theirs[1] / mine[1]))
    print(row, flush=True)
  if shutil.which("libdeflate-gunzip"):
    floor = measured(["libdeflate-gunzip", "-c", one], 9)
    read = measured([os.path.join(BUILD, "sonde"), "pprof", "-symbolize=none", "-tags", one], 9)
    print("\nfloor: libdeflate-gunzip %.3f s, %.0f MiB; sonde pprof -tags %.1f times that" %
          (floor + (read[0] / floor[0],)))
  print("\nthe input: %d bytes of gzip; of the beaten path %d" % (os.path.getsize(one), os.path.getsize(beaten)))
  shutil.rmtree(TMP)


main()
