#!/usr/bin/env python3
"""Holds sonde benchstat to golden files: run.py SONDE CASES_DIR, or run.py SONDE SHARED FOLDER where
the environment's SONDE_SHARED, if set, stands for SHARED. TAP.

CASES_DIR has cases.tsv (name, source, stdin, argv as JSON, exit code of Go's), inputs/ and golden/.
stdout must be the same to the byte; stderr too, but for usage texts, which are our own. Exit codes
are ours: a case's optional sixth column, else 0 exactly if stderr tells of nothing that was wrong.
"""
import json
import os
import re
import subprocess
import sys

sonde, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
if len(sys.argv) > 3:
  folder = os.path.join(os.environ.get("SONDE_SHARED", folder), sys.argv[3])
listing = os.path.join(folder, "cases.tsv")
if not os.path.exists(listing):
  print("1..0 # SKIP %s is not there" % listing)
  sys.exit(0)
# A message of the command's, or "FILE:LINE: ", but not a spreadsheet cell's warning.
WRONG = re.compile(rb"^benchstat: |^[^ ]+:\d+: ", re.M)
# Go refuses this; here it is a format.
OURS = {'["-format", "html", "old.txt"]'}
update = os.environ.get("UPDATE") == "1" and len(sys.argv) == 3
rows = [line.rstrip("\n").split("\t") for line in open(listing, encoding="utf-8")][1:]
print("1..%d" % len(rows))


def golden(name, kind, got):
  path = os.path.join(folder, "golden", "%s.%s" % (name, kind))
  if update:
    open(path, "wb").write(got)
  return open(path, "rb").read()


failed = 0
for number, row in enumerate(rows, 1):
  name, stdin, argv = row[0], row[2], json.loads(row[3])
  inputs = os.path.join(folder, "inputs")
  if row[3] in OURS:
    print("ok %d - %s # SKIP an extension of ours" % (number, name))
    continue
  data = b"" if stdin == "-" else open(os.path.join(inputs, stdin), "rb").read()
  run = subprocess.run([sonde, "benchstat"] + argv, cwd=inputs, input=data, capture_output=True, timeout=60)
  out, err = golden(name, "stdout", run.stdout), golden(name, "stderr", run.stderr)
  usage = b"usage" in err.lower()
  wrong = []
  if run.stdout != out:
    wrong.append("stdout")
  if not usage and run.stderr != err:
    wrong.append("stderr")
  if len(row) > 5:
    code = {int(row[5])}
  else:
    code = {2} if usage else {1, 2} if WRONG.search(err) else {0}
  if run.returncode not in code:
    wrong.append("exit %d" % run.returncode)
  print("%sok %d - %s%s" % ("not " if wrong else "", number, name, " # " + ", ".join(wrong) if wrong else ""))
  failed += bool(wrong)
sys.exit(1 if failed else 0)
