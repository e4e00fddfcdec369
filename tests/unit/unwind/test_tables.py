#!/usr/bin/env python3
"""Holds compiled tables against binutils' own interpretation of .eh_frame.

test_tables.py table_dump: for some libraries of this machine and of the cross compiler's, every row
that `readelf --debug-dump=frames-interp` prints must be in the table; then a sample of all ELF files
of the system is compiled, and what cannot be said in one word must stay rare.
"""
import bisect
import hashlib
import os
import re
import subprocess
import sys

DUMP = sys.argv[1]
FILES = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/x86_64-linux-gnu/libstdc++.so.6",
  "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
  "/lib/x86_64-linux-gnu/libgcc_s.so.1",
  "/lib64/ld-linux-x86-64.so.2",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib/ld-linux-aarch64.so.1",
  "/usr/aarch64-linux-gnu/lib/libc.so.6",
  "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1",
  "/usr/aarch64-linux-gnu/lib/libgcc_s.so.1",
  "/usr/aarch64-linux-gnu/lib/libstdc++.so.6",
]
SAMPLE = 150
X86 = {"rbp": "fp", "ra": "ra", "rbx": "r3", "r12": "r12", "r13": "r13", "r14": "r14", "r15": "r15"}
ARM = dict([("x29", "fp"), ("ra", "ra")] + [("x%d" % n, "r%d" % n) for n in range(19, 29)])
count = 0


def tap(ok, name):
  global count
  count += 1
  print("%s %d - %s" % ("ok" if ok else "not ok", count, name), flush=True)


def table_of(path):
  """[(pc, kind, {register: where})], ascending."""
  rows = []
  out = subprocess.run([DUMP, path], stdout=subprocess.PIPE, text=True, check=True).stdout
  for line in out.splitlines():
    words = line.split()
    rows.append((int(words[0], 16), words[1], dict(w.split("=") for w in words[2:])))
  return rows


def readelf_rows(path):
  """(pc, CFA, {register: where}, end of the function, in a signal frame), as binutils sees it."""
  out = subprocess.run(["readelf", "--debug-dump=frames-interp", path], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, text=True, errors="replace").stdout
  names, end, is_fde, signal, signals = [], 0, False, False, {}
  for line in out.splitlines():
    head = re.match(r"([0-9a-f]{8,}) [0-9a-f]+ [0-9a-f]+ (CIE|FDE)(.*)", line)
    if head:
      is_fde = head.group(2) == "FDE"
      if is_fde:
        cie, end = re.search(r"cie=([0-9a-f]+) pc=[0-9a-f]+\.\.([0-9a-f]+)", line).groups()
        signal, end = signals.get(int(cie, 16), False), int(end, 16)
      else:
        signals[int(head.group(1), 16)] = "S" in line.split('"')[1]
      names = []
    elif line.strip().startswith("LOC"):
      names = line.split()[2:]
    elif is_fde and names and re.match(r"[0-9a-f]{16} ", line):
      words = re.sub(r"(r\d+) \(\w+\)", r"\1", line).split()  # "r10 (r10)" is one column
      yield int(words[0], 16), words[1], dict(zip(names, words[2:])), end, signal


def agrees(row, cfa, regs, signal, arm):
  """Whether a table row says what readelf says."""
  _, kind, saved = row
  names = ARM if arm else X86
  if kind == "signal" or signal:
    return kind == "signal" and signal
  if regs.get("ra") == "u" and not arm:
    return kind == "end"
  if kind == "end":
    return arm and regs.get("ra") == "u"  # readelf prints "undefined" and "not saved" alike
  plain = re.fullmatch(r"(rsp|rbp|sp|x29)\+(\d+)", cfa)
  odd = [v for k, v in regs.items() if k in names and not re.fullmatch(r"u|s|c[+-]\d+", v)]
  large = plain and (int(plain.group(2)) > 4095 * 8 or int(plain.group(2)) % 8)
  far = [v for k, v in regs.items() if k in names and re.fullmatch(r"c[+-]\d+", v)
         and (int(v[1:]) == 0 or not -1024 <= int(v[1:]) < 1024)]
  if not plain or odd or large or far or regs.get("rsp", regs.get("sp", "u")) not in ("u", "s"):
    return kind in ("side", "plt", "deref")
  want = ("sp+" if plain.group(1) in ("rsp", "sp") else "fp+") + plain.group(2)
  if kind != want:
    return False
  return all(saved[names[k]] == ("u" if v == "s" else v) for k, v in regs.items() if k in names)


def compare(path):
  arm = "aarch64" in path
  table = table_of(path)
  pcs = [row[0] for row in table]
  seen, wrong = 0, []
  rows = list(readelf_rows(path))
  for i, (pc, cfa, regs, end, signal) in enumerate(rows):
    if pc >= end or not pcs or pc < pcs[0]:
      continue
    if i + 1 < len(rows) and rows[i + 1][0] == pc:
      continue  # replaced at once by the next row
    seen += 1
    row = table[bisect.bisect_right(pcs, pc) - 1]
    if not agrees(row, cfa, regs, signal, arm):
      wrong.append("%x: readelf %s %s, table %s %s" % (pc, cfa, regs, row[1], row[2]))
  for line in wrong[:5]:
    print("# " + line)
  tap(seen > 100 and not wrong, "%s: %d rows, %d differ" % (path, seen, len(wrong)))


def system_files():
  every = []
  for root in ("/usr/lib", "/usr/bin", "/usr/libexec"):
    for folder, _, names in os.walk(root):
      every += [os.path.join(folder, n) for n in names]
  elfs = [p for p in every if not os.path.islink(p) and os.path.isfile(p) and os.access(p, os.R_OK)
          and (".so" in p or os.access(p, os.X_OK))]
  elfs.sort(key=lambda p: hashlib.sha1(p.encode()).digest())
  return elfs if os.environ.get("SONDE_TEST_ALL") else elfs[:SAMPLE * 3]


def compile_system():
  out = subprocess.run([DUMP, "-stats"] + system_files(), stdout=subprocess.PIPE, text=True).stdout
  last = out.splitlines()[-1]
  print("# " + last)
  words = last.split()
  n = dict(zip(words[::2], map(float, words[1::2])))
  tap(n["files"] >= 20 and n["bad"] * 10000 <= n["fdes"], "tables of the system's files")
  tap(n["side"] * 100 <= n["rows"], "what one word cannot say is rare")


def main():
  seen = set()
  for path in FILES:
    real = os.path.realpath(path)
    if os.path.exists(real) and real not in seen:
      seen.add(real)
      compare(path)
  compile_system()
  print("1..%d" % count)


main()
