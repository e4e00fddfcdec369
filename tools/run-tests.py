#!/usr/bin/env python3
"""`make test`: builds sonde in every way it is tested, runs the suites, and adds up the results.

  build       gcc -O2 -g, all suites
  build-asan  clang, AddressSanitizer + UBSan: the suites that parse input (unit, golden, fuzz)
  build-tsan  gcc, ThreadSanitizer: the recording half's suite `tsan`

The last line says `N passed, N failed, N skipped`; skips are named above it. Exit 1 if any failed.
run-tests.py [BUILD...] runs only those.
"""
import os
import subprocess
import sys
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = {
  "build": {"setup": [], "suites": [], "skip": ["tsan"], "env": {}},
  "build-asan": {
    "setup": ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dwerror=false"],
    "suites": ["unit", "golden", "fuzz"],
    "skip": [],
    "env": {"CC": "clang", "CXX": "clang++"},
  },
  "build-tsan": {
    "setup": ["-Db_sanitize=thread", "-Db_lundef=false", "-Dwerror=false"],
    "suites": ["tsan"],
    "skip": [],
    "env": {},
  },
}
# Leaks are for the suites to assert where they matter; at exit the command leaves the rest to the kernel.
RUN_ENV = {
  "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=99:allocator_may_return_null=1",
  "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
  "TSAN_OPTIONS": "halt_on_error=1",
}


def run(cmd, **env):
  return subprocess.run(cmd, cwd=ROOT, env={**os.environ, **env}).returncode


def build(name, how):
  made = os.path.exists(os.path.join(ROOT, name, "build.ninja"))
  setup = ["meson", "configure"] if made else ["meson", "setup"] + how["setup"]
  if subprocess.run(setup + ["-Dtests=true", name], cwd=ROOT, stdout=subprocess.DEVNULL,
                    env={**os.environ, **how["env"]}).returncode:
    return False
  return run(["ninja", "-C", name, "--quiet"]) == 0


def results(name):
  """(passed, failed, skipped, names of the skipped and failed) of the last run in a build."""
  passed, failed, skipped = 0, [], []
  log = os.path.join(ROOT, name, "meson-logs", "testlog.junit.xml")
  for suite in xml.parse(log).getroot().iter("testsuite"):
    for case in suite.iter("testcase"):
      label = "%s: %s: %s" % (name, suite.get("name"), case.get("name"))
      if case.find("failure") is not None or case.find("error") is not None:
        failed.append(label)
      elif case.find("skipped") is not None:
        skipped.append(label)
      else:
        passed += 1
  return passed, failed, skipped


def test(name, how):
  log = os.path.join(ROOT, name, "meson-logs", "testlog.junit.xml")
  if os.path.exists(log):
    os.unlink(log)
  cmd = ["meson", "test", "-C", name, "--no-rebuild", "--print-errorlogs"]
  for suite in how["suites"]:
    cmd += ["--suite", suite]
  for suite in how["skip"]:
    cmd += ["--no-suite", suite]
  status = run(cmd, **RUN_ENV)
  if not os.path.exists(log):
    return 0, ["%s: no result (meson test exited with %d)" % (name, status)], []
  passed, failed, skipped = results(name)
  if status and not failed:
    failed.append("%s: meson test exited with %d" % (name, status))
  return passed, failed, skipped


def main():
  passed, failed, skipped = 0, [], []
  for name in sys.argv[1:] or BUILDS:
    print("== %s" % name, flush=True)
    if not build(name, BUILDS[name]):
      failed.append("%s: does not build" % name)
      continue
    p, f, s = test(name, BUILDS[name])
    passed, failed, skipped = passed + p, failed + f, skipped + s
  for line in skipped:
    print("skipped: " + line)
  for line in failed:
    print("FAILED: " + line)
  print("%d passed, %d failed, %d skipped" % (passed, len(failed), len(skipped)))
  return 1 if failed or not passed else 0


sys.exit(main())
