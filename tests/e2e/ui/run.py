#!/usr/bin/env python3
"""Runs one of the browser's suites, with what it needs from npm. TAP.

  run.py SUITE SONDE SOURCE BUILD      SUITE: a module beside this one, or "types"

The packages of tests/e2e/package-lock.json are installed into BUILD, once for each lock file. Where
there is no chromium, node or npm, or npm reaches no registry, the suite is skipped and says why.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time

SUITE, SONDE, SOURCE, BUILD = sys.argv[1], *map(os.path.abspath, sys.argv[2:5])
HERE = os.path.join(SOURCE, "tests", "e2e")
NPM_SECONDS = 200  # less than meson grants a suite, those that wait for it included
FAILURE_SECONDS = 600


def skip(reason):
  print("1..0 # SKIP " + reason)
  sys.exit(0)


def lock_digest():
  with open(os.path.join(HERE, "package-lock.json"), "rb") as f:
    return hashlib.sha256(f.read()).hexdigest()


def npm_ci():
  """Why npm could not install the packages, or None."""
  for name in ("package.json", "package-lock.json"):
    shutil.copy(os.path.join(HERE, name), BUILD)
  try:
    p = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=BUILD, capture_output=True,
                       text=True, timeout=NPM_SECONDS)
  except subprocess.TimeoutExpired:
    return "npm could not install the test's packages in %d s" % NPM_SECONDS
  if p.returncode == 0:
    return None
  errors = [line for line in p.stderr.splitlines() if not line.startswith("npm warn")]
  return "npm could not install the test's packages: " + (errors or ["?"])[0]


def install():
  """Suites run side by side: the first to come installs, the others wait. What failed a moment ago is not tried again
  by each."""
  stamp, failure = os.path.join(BUILD, "installed"), os.path.join(BUILD, "failure")
  with open(os.path.join(BUILD, "lock"), "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.path.exists(stamp) and open(stamp).read() == lock_digest():
      return
    if os.path.exists(failure) and time.time() - os.path.getmtime(failure) < FAILURE_SECONDS:
      skip(open(failure).read())
    reason = npm_ci()
    with open(failure if reason else stamp, "w") as f:
      f.write(reason or lock_digest())
    if reason:
      skip(reason)


def check_types():
  p = subprocess.run([os.path.join(BUILD, "node_modules", ".bin", "tsc"), "-p", os.path.join(SOURCE, "ui")],
                     capture_output=True, text=True)
  print("1..1\n%sok 1 - tsc finds nothing in ui/" % ("" if p.returncode == 0 else "not "))
  for line in p.stdout.splitlines():
    print("# " + line)
  return p.returncode


def main():
  for tool in ("node", "npm", "chromium"):
    if not shutil.which(tool):
      skip(tool + " is not installed")
  os.makedirs(BUILD, exist_ok=True)
  install()
  if SUITE == "types":
    return check_types()
  module = os.path.join(HERE, "ui", SUITE + ".mjs")
  return subprocess.run(["node", module], env=dict(os.environ, SONDE=SONDE, SOURCE=SOURCE, NODE_HOME=BUILD)).returncode


sys.exit(main())
