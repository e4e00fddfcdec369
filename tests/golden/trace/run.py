#!/usr/bin/env python3
"""`sonde trace`: run.py own|shared|go SONDE SOURCE_ROOT. TAP.

own     the traces of traces.py, shown in every way, against want/NAME; UPDATE=1 rewrites
shared  Go's cases where they lie beside the sources (or at $SONDE_SHARED): verdicts in Go's words, every
        event delivered before them, the Validator's complaints
go      the traces of traces.py under `go tool trace`, which must show the same
"""
import collections
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import traces

MODE, SONDE, ROOT = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(os.environ.get("SONDE_SHARED", os.path.join(ROOT, "..", "shared")), "cases/trace")
WORK = tempfile.mkdtemp()
ENV = dict(os.environ, TZ="UTC")
count = failed = 0


def report(ok, name, *why):
  global count, failed
  count += 1
  failed += not ok
  print("%sok %d %s" % ("" if ok else "not ", count, name), flush=True)
  for line in why if not ok else ():
    print("# " + str(line).replace("\n", "\n# "))


def skip(why):
  print("ok 1 # SKIP " + why)
  print("1..1")
  sys.exit(0)


def show(mode, path, stdin=None):
  return subprocess.run([SONDE, "trace", "-d=" + mode, path], stdin=stdin, env=ENV, capture_output=True, cwd=WORK, timeout=60)


def read(path):
  with open(path, "rb") as f:
    return f.read()


def make_all():
  traces.load_numbers(os.path.join(ROOT, "src/gotrace/events.h"))
  for name, make in traces.TRACES.items():
    with open(os.path.join(WORK, name), "wb") as f:
      f.write(make())


def sections(name):
  out = b""
  for mode in ("check", "parsed", "wire", "footprint"):
    got = show(mode, name)
    out += b"== %s: exit %d\n" % (mode.encode(), got.returncode) + got.stdout + got.stderr
  return out


def own():
  make_all()
  for name in traces.TRACES:
    want = os.path.join(HERE, "want", name)
    got = sections(name)
    if os.environ.get("UPDATE"):
      with open(want, "wb") as f:
        f.write(got)
    kind = b"== check: exit %d\nok: " % 0 if name.startswith("ok_") else b"== check: exit 1\n"
    report(got == read(want) and got.startswith(kind), name, got.decode(errors="backslashreplace"))
  usage()


def usage():
  with open(os.path.join(WORK, "ok_version_26"), "rb") as f:
    report(show("check", "-", stdin=f).stdout.startswith(b"ok: "), "standard input")
  for args, status, words in ((["-h"], 0, b"-d MODE"), (["ok_version_26"], 2, b"go tool trace"), (["-pprof=net", "x"], 2, b"go tool trace"),
                              (["-d=nosuch", "x"], 2, b"invalid debug mode nosuch"), (["-d=check"], 2, b"FILE"),
                              (["-d=check", "a", "b"], 2, b"FILE"), (["-x"], 2, b"not defined: -x"),
                              (["-d=check", "nosuch"], 1, b"nosuch: No such file")):
    got = subprocess.run([SONDE, "trace", *args], capture_output=True, cwd=WORK, timeout=60)
    said = got.stderr if status else got.stdout
    report(got.returncode == status and words in said and said.count(b"\n") >= 1, "usage " + " ".join(args), got)
  full = subprocess.run("%s trace -d=parsed ok_version_26 >/dev/full" % SONDE, shell=True, capture_output=True, cwd=WORK, timeout=60)
  report(full.returncode == 1 and b"standard output" in full.stderr, "full disk", full)


def expectation(path):
  """(verdict, words of the failure or None, complaint of the Validator or None)"""
  lines = read(path).decode().strip().split("\n")
  verdict, _, words = lines[0].partition(" ")
  complaint = next((line.split(" ", 1)[1] for line in lines[1:] if line.startswith("VALIDATOR ")), None)
  unescape = lambda s: re.sub(r"\\(.)", r"\1", s[1:-1])
  return verdict, unescape(words) if words else None, unescape(complaint) if complaint else None


def shared_case(base):
  """What is wrong, or None."""
  verdict, words, complaint = expectation(base + ".expect")
  parsed, checked = show("parsed", base + ".trace"), show("check", base + ".trace")
  if parsed.returncode != (verdict != "SUCCESS"):
    return "verdict %s: %r" % (verdict, parsed.stderr)
  if checked.returncode != (verdict != "SUCCESS" or complaint is not None):
    return "check: %r %r" % (checked.stdout, checked.stderr)
  if complaint and complaint not in checked.stderr.decode(errors="replace"):
    return "wants %s: %r" % (complaint, checked.stderr)
  if read(base + ".trace").startswith((b"go 1.11", b"go 1.19", b"go 1.21")):
    return None if b"old format" in parsed.stderr else parsed.stderr  # Go reads these
  if verdict == "FAILURE" and not re.search(words, parsed.stderr.decode(errors="replace")):
    return "wants %s: %r" % (words, parsed.stderr)
  if parsed.stdout.decode(errors="backslashreplace").encode() != read(base + ".events"):
    return "events differ"
  return None


def shared():
  if not os.path.isdir(SHARED):
    skip("Go's traces are not there: " + SHARED)
  wrong, totals = collections.defaultdict(list), collections.Counter()
  for path in sorted(glob.glob(os.path.join(SHARED, "*", "*.trace"))):
    base = path[:-len(".trace")]
    folder = os.path.basename(os.path.dirname(path))
    totals[folder] += 1
    why = shared_case(base)
    if why:
      wrong[folder].append("%s: %s" % (os.path.basename(base), why))
  for folder in sorted(totals):
    report(not wrong[folder], "%s: %d traces" % (folder, totals[folder]), *wrong[folder])


def go_tool():
  """The path of the tool itself, built if need be; or None."""
  if not shutil.which("go"):
    return None
  done = subprocess.run(["go", "tool", "-n", "trace"], capture_output=True, text=True, timeout=120)
  return done.stdout.strip() if done.returncode == 0 else None


def go_shows(mode, name):
  return subprocess.run([GO_TOOL, "-d=" + mode, name], env=ENV, capture_output=True, cwd=WORK, timeout=60)


def footprint(text):
  """(name, bytes, count) of the types that occur; Go lists all 256."""
  rows = [line.split() for line in text.decode().splitlines()[1:]]
  return sorted((r[0], r[1], r[3]) for r in rows if len(r) == 5 and r[3] not in ("0", "-"))


def go():
  global GO_TOOL
  GO_TOOL = go_tool()
  if not GO_TOOL:
    skip("`go tool trace` is not installed")
  make_all()
  if go_shows("parsed", "ok_version_26").returncode:
    skip("`go tool trace` does not read traces of Go 1.26")
  # Go reads the old format, and panics over a stop-the-world that outlives its generation.
  for name in sorted(set(traces.TRACES) - {"bad_version_1_19", "ok_stop_the_world_over_generations"}):
    compare(name)


def compare(name):
  ours, theirs = show("parsed", name), go_shows("parsed", name)
  same = ours.stdout == theirs.stdout and (ours.returncode != 0) == (theirs.returncode != 0)
  report(same, name + " parsed", ours.stdout.decode(errors="replace"), theirs.stdout.decode(errors="replace"))
  # Go takes numbers that no event has for events without a name, and a number cut off for the end.
  ours, theirs = show("wire", name), go_shows("wire", name)
  same = theirs.stdout.startswith(ours.stdout) and (ours.returncode != 0 or ours.stdout == theirs.stdout)
  report(same, name + " wire", ours.stdout.decode(errors="replace"), theirs.stdout.decode(errors="replace"))
  if ours.returncode == 0:
    ours, theirs = footprint(show("footprint", name).stdout), footprint(go_shows("footprint", name).stdout)
    report(ours == theirs, name + " footprint", ours, theirs)


{"own": own, "shared": shared, "go": go}[MODE]()
shutil.rmtree(WORK)
print("1..%d" % count)
sys.exit(failed > 0)
