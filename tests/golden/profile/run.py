#!/usr/bin/env python3
"""Golden tests of src/pprof: run.py own|go PROFILE_TOOL SOURCE_ROOT. TAP.

inputs/NAME is read and printed; expected/NAME.string is the text. What is read is also written, read
again and written again: the same bytes. Where google/pprof's own cases lie beside the sources (or at
$SONDE_SHARED) they are run too: parsed legacy files against its text, its messages against ours.
UPDATE=1 rewrites the expected texts.

"go" hands everything written to `go tool pprof -raw`, which must accept it and see the same samples.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

MODE, TOOL, ROOT = sys.argv[1:4]
HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(os.environ.get("SONDE_SHARED", os.path.join(ROOT, "..", "shared")), "cases/pprof")
ENV = dict(os.environ, TZ="UTC")
count = failed = 0


def tool(op, path):
  return subprocess.run([TOOL, op, path], env=ENV, capture_output=True, timeout=60)


def report(ok, name):
  global count, failed
  count += 1
  failed += not ok
  print("%sok %d %s" % ("" if ok else "not ", count, name), flush=True)


def read(path):
  with open(path, "rb") as f:
    return f.read()


def round_trip(path, name):
  once = tool("pb:raw", path)
  with tempfile.NamedTemporaryFile() as f:
    f.write(once.stdout)
    f.flush()
    twice = tool("pb:raw", f.name)
  report(once.returncode == 0 and once.stdout == twice.stdout, name + " written twice")


def own():
  for path in sorted(glob.glob(os.path.join(HERE, "inputs", "*"))):
    name = os.path.basename(path)
    expected = os.path.join(HERE, "expected", name + ".string")
    got = tool("raw", path)
    if os.environ.get("UPDATE"):
      with open(expected, "wb") as f:
        f.write(got.stdout)
    is_bad = name.startswith("bad_")
    report(got.stdout == read(expected) and got.returncode == is_bad, name)
    if not is_bad:
      round_trip(path, name)
    for op in ("folded", "speedscope"):
      exported = os.path.join(HERE, "expected", name + "." + op)
      if os.path.exists(exported):
        got = tool(op, path)
        if os.environ.get("UPDATE"):
          with open(exported, "wb") as f:
            f.write(got.stdout)
        report(got.stdout == read(exported), name + " as " + op)


def shared():
  if not os.path.isdir(SHARED):
    report(True, "google/pprof's cases # SKIP not found: " + SHARED)
    return
  for expected in sorted(glob.glob(os.path.join(SHARED, "unit", "*.string"))):
    name = "profile." + os.path.basename(expected)[:-len(".string")]
    path = os.path.join(SHARED, "inputs", "files", name)
    if os.path.exists(path):
      report(tool("raw", path).stdout == read(expected), "shared " + name)
  for path in sorted(glob.glob(os.path.join(SHARED, "inputs", "*", "*.pb.gz"))):
    name = os.path.relpath(path, SHARED)
    if os.path.exists(path[:-3]):
      report(tool("pb:raw", path).stdout == read(path[:-3]), "shared " + name)
    else:
      round_trip(path, "shared " + name)


def samples(text):
  """The lines of a profile's samples: the header above them differs in what the driver adds."""
  return text.split(b"Samples:\n")[1].split(b"Locations\n")[0]


def against_go():
  if not shutil.which("go"):
    report(True, "go tool pprof # SKIP no go")
    return
  env = dict(ENV, PPROF_TMPDIR="/nonexistent")
  for path in sorted(glob.glob(os.path.join(HERE, "inputs", "*"))):
    name = os.path.basename(path)
    if name.startswith("bad_"):
      continue
    with tempfile.NamedTemporaryFile(suffix=".pb") as f:
      f.write(tool("pb:raw", path).stdout)
      f.flush()
      go = subprocess.run(["go", "tool", "pprof", "-symbolize=none", "-raw", f.name], env=env,
                          capture_output=True, timeout=60)
    ours = tool("uninteresting", path).stdout
    report(go.returncode == 0 and samples(go.stdout) == samples(ours), name + " read by go tool pprof")


if MODE == "go":
  against_go()
else:
  own()
  shared()
print("1..%d" % count)
sys.exit(1 if failed or not count else 0)
