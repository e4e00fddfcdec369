#!/usr/bin/env python3
"""Speed of symbolizing, with inlined calls: bench.py FRAMES [BINARY]

FRAMES is build/tests/diff/symbolize/frames. Against llvm-symbolizer, addr2line and elfutils'
eu-addr2line where they are installed: the same addresses on one pipe, medians of five runs, whole
processes. Writes a Markdown table; ratios are to ours.
"""
import os
import random
import re
import shutil
import subprocess
import sys

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
COUNT = 70000
RUNS = 5


def addresses(path):
  text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True,
                        text=True, check=True).stdout
  found = re.findall(r"^\s*([0-9a-f]+):\t", text, re.M)
  random.seed(1)
  return random.choices(found, k=COUNT)


def measure(cmd, text):
  """Median CPU seconds, and peak MiB of the last run."""
  seconds = []
  for _ in range(RUNS):
    process = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(text)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    seconds.append(usage.ru_utime + usage.ru_stime)
    if status:
      return None
  return sorted(seconds)[RUNS // 2], usage.ru_maxrss / 1024


def main():
  frames = sys.argv[1]
  path = sys.argv[2] if len(sys.argv) > 2 else LIBC
  text = "".join("0x%s\n" % a for a in addresses(path)).encode()
  peers = [("sonde", [frames, path]),
           ("llvm-symbolizer", ["llvm-symbolizer", "--inlining", "--no-demangle", "--obj=" + path]),
           ("addr2line", ["addr2line", "-i", "-f", "-e", path]),
           ("eu-addr2line", ["eu-addr2line", "-i", "-f", "-e", path])]
  print("%d random instruction addresses of %s\n" % (COUNT, os.path.basename(path)))
  print("| tool | CPU s | times ours | peak MiB |\n|---|---|---|---|")
  ours = None
  for name, cmd in peers:
    if not shutil.which(cmd[0]):
      continue
    result = measure(cmd, text)
    if result is None:
      print("| %s | failed | | |" % name)
      continue
    ours = ours or result[0]
    print("| %s | %.2f | %.1f | %.0f |" % (name, result[0], result[0] / ours, result[1]))
  return 0


sys.exit(main())
