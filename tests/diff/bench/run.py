#!/usr/bin/env python3
"""The same benchmarks under Go's harness and under sonde's, with the same flags: the output must be
the same, byte for byte, but for measured times, places in files and the CPU's name.
run.py SHAPE_BENCH. TAP; skipped without go.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [
  ["-test.bench=.", "-test.benchtime=10x", "-test.cpu=2"],
  ["-test.bench=.", "-test.benchtime=1x", "-test.cpu=1", "-test.count=2"],
  ["-test.bench=.", "-test.benchtime=7x", "-test.cpu=1,2,8", "-test.skip=Fail"],
  ["-test.bench=Sub|Fail", "-test.benchtime=10x", "-test.cpu=2", "-test.v"],
  ["-test.bench=Sub/deep", "-test.benchtime=10x", "-test.cpu=2"],
  ["-test.bench=Nop|Sub/^a_b$", "-test.benchtime=10x", "-test.cpu=2", "-test.skip=Sub/a_b#01"],
  ["-test.bench=Nothing"],
  ["-test.list=."],
  ["-test.list=["],
  ["-test.bench=("],
  ["-test.bench=a/[z-a]"],
  ["-test.bench=.", "-test.skip=*"],
  ["-test.benchtime=-1s"],
  ["-test.benchtime=0x"],
  ["-test.cpu=0"],
  ["-test.count=-1"],
  ["-test.count=x"],
  ["-test.nothing"],
]


def mask(out, err):
  out = re.sub(r"^(cpu|pkg): .*\n", "", out, flags=re.M)
  out = re.sub(r"shape_(test\.go|bench\.c):\d+", "FILE:LINE", out)
  # What a machine measures; values that the benchmarks report themselves stay.
  out = re.sub(r"\t +(?!2\.000|5\.000|6\.000|1\.000)[0-9.]+ ns/op", "\tX ns/op", out)
  out = re.sub(r"\t *[0-9.]+ MB/s", "\tX MB/s", out)
  err = err.split("Usage of")[0]
  # Go names a flag that is broken as it was declared.
  return out, err.replace("-test.", "-")


def run(program, args):
  args = list(args)
  if program.endswith("shape_bench"):
    args = ["-benchcpu=false", "-benchnoise=false"] + args
  done = subprocess.run([program] + args, capture_output=True, text=True)
  return mask(done.stdout, done.stderr) + (done.returncode,)


def main():
  go = shutil.which("go")
  if not go or subprocess.run([go, "version"], capture_output=True).returncode:
    print("1..0 # SKIP go is not installed")
    return 0
  tmp = tempfile.mkdtemp()
  peer = os.path.join(tmp, "shape.test")
  module = os.path.join(tmp, "module")
  shutil.copytree(os.path.join(HERE, "module"), module)
  env = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GOPROXY": "off"}
  if subprocess.run([go, "test", "-c", "-o", peer, "."], cwd=module, env=env).returncode:
    print("1..0 # SKIP this go cannot build the module (b.Loop is Go 1.24's)")
    return 0
  failed = 0
  print("1..%d" % len(CASES))
  for i, args in enumerate(CASES, 1):
    want, got = run(peer, args), run(os.path.abspath(sys.argv[1]), args)
    print("%s %d - %s" % ("ok" if got == want else "not ok", i, " ".join(args)))
    if got != want:
      failed += 1
      for name, what in (("go", want), ("sonde", got)):
        print("# %s: exit status %d" % (name, what[2]))
        print("".join("#   %s\n" % line for line in (what[0] + what[1]).splitlines()), end="")
  shutil.rmtree(tmp)
  return 1 if failed else 0


sys.exit(main())
