#!/usr/bin/env python3
"""Golden tests of sonde pprof, as TAP.

  run.py own SONDE       inputs/ and want/ of this folder; UPDATE=1 rewrites want/
  run.py go SONDE        the same command lines given to `go tool pprof`: the outputs must agree
  run.py shared SONDE    google/pprof's own answers in ../shared (SONDE_SHARED), where they are

A case is a line of cases.txt: inputs, then arguments. Its file in want/ is named for it.
"""
import difflib
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "UTC", "PPROF_TMPDIR": "/tmp",
       "TERM": "dumb", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}


class Tap:
  def __init__(self):
    self.n = self.failed = 0

  def case(self, ok, name, detail=""):
    self.n += 1
    self.failed += not ok
    print("%sok %d - %s" % ("" if ok else "not ", self.n, name))
    for line in detail.splitlines()[:40] if not ok else []:
      print("# " + line)

  def skip(self, name, why):
    self.n += 1
    print("ok %d - %s # SKIP %s" % (self.n, name, why))

  def end(self):
    print("1..%d" % self.n)
    sys.exit(1 if self.failed else 0)


def run(command, cwd, stdin=b""):
  p = subprocess.run(command, cwd=cwd, env=ENV, input=stdin, capture_output=True, timeout=120)
  if p.stdout[:2] == b"\x1f\x8b":
    p.stdout = gzip.decompress(p.stdout)
  return p


def differences(want, got):
  return "\n".join(difflib.unified_diff(want.decode("utf8", "replace").splitlines(),
                                        got.decode("utf8", "replace").splitlines(), "want", "got", lineterm=""))


def own_cases():
  """(file name of the answer, inputs, arguments)"""
  for line in open(os.path.join(HERE, "cases.txt")):
    words = line.split()
    if not words or words[0][0] == "#":
      continue
    inputs = words[0].split("+")
    name = "+".join(inputs) + "." + re.sub(r"[^A-Za-z0-9=.,]+", "-", "_".join(words[1:])).strip("-")
    args = [a.replace("@", "inputs/") for a in words[1:]]
    yield name, ["inputs/%s.pb.gz" % i for i in inputs], ["-symbolize=none"] + args


def own(sonde, tap):
  for name, inputs, args in own_cases():
    p = run([sonde, "pprof"] + args + inputs, HERE)
    got = p.stdout + (b"" if p.returncode == 0 else b"exit %d\n" % p.returncode + p.stderr)
    path = os.path.join(HERE, "want", name)
    if os.environ.get("UPDATE"):
      with open(path, "wb") as f:
        f.write(got)
    want = open(path, "rb").read() if os.path.exists(path) else b"(no file in want/)"
    tap.case(got == want, name, differences(want, got))


def go(sonde, tap):
  if not shutil.which("go"):
    tap.skip("go tool pprof", "go is not installed")
    return
  version = run(["go", "version"], HERE)
  print("# " + version.stdout.decode().strip())
  ENV["HOME"], ENV["GOFLAGS"] = "/tmp", "-mod=mod"
  for name, inputs, args in own_cases():
    if "-call_tree" in args and "-dot" in args:
      continue  # Go's own output varies from run to run here
    mine = run([sonde, "pprof"] + args + inputs, HERE)
    theirs = run(["go", "tool", "pprof"] + args + inputs, HERE)
    # The tool built into Go may be older than the library: its time has no zone.
    normal = [re.sub(rb"(Time: \d+-\d+-\d+) .*?( UTC|\\l|$)", rb"\1", p.stdout, flags=re.M) for p in (mine, theirs)]
    normal = [re.sub(rb"Time: (\w+ \d+, \d+) at .*?(\\l|$)", b"", n, flags=re.M) for n in normal]
    ok = normal[0] == normal[1] and (mine.returncode == 0) == (theirs.returncode == 0)
    tap.case(ok, name, differences(normal[1], normal[0]))


def shared_case(sonde, root, case):
  inputs = case["input"] if isinstance(case["input"], list) else [case["input"]]
  p = run([sonde, "pprof"] + case["args"] + inputs, os.path.join(root, case.get("cwd", ".")),
          (case.get("stdin") or "").encode())
  want = open(os.path.join(root, case["golden"]), "rb").read() if case.get("golden") else b""
  if p.stdout != want or p.returncode != case.get("rc", 0):
    return case, differences(want, p.stdout) + "\n" + p.stderr.decode("utf8", "replace")[-300:]
  if case.get("stderr") is not None and p.stderr.decode("utf8", "replace") != case["stderr"]:
    return case, differences(case["stderr"].encode(), p.stderr)
  return case, None


def shared(sonde, tap):
  root = os.path.join(os.environ.get("SONDE_SHARED") or os.path.join(HERE, "../../../../shared"), "cases/pprof")
  if not os.path.isdir(root):
    tap.skip("google/pprof's cases", "%s is not there" % root)
    return
  for group in ["driver", "gen"]:
    cases = [json.loads(line) for line in open(os.path.join(root, group + "-cases.jsonl"))]
    run_cases = [c for c in cases if not c.get("needs_mock_objtool")]
    groups = {}
    with ThreadPoolExecutor(2) as pool:
      for case, problem in pool.map(lambda c: shared_case(sonde, root, c), run_cases):
        groups.setdefault(re.split("[/:,]", case["id"])[0] if group == "gen" else group, []).append((case, problem))
    for name in sorted(groups):
      bad = ["%s\n%s" % (c["id"], problem) for c, problem in groups[name] if problem]
      tap.case(not bad, "%s %s: %d of %d" % (group, name, len(groups[name]) - len(bad), len(groups[name])),
               "\n".join(bad))


def main():
  mode, sonde = sys.argv[1], os.path.abspath(sys.argv[2])
  tap = Tap()
  {"own": own, "go": go, "shared": shared}[mode](sonde, tap)
  tap.end()


main()
