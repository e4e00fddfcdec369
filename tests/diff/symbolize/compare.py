#!/usr/bin/env python3
"""Frames of thousands of addresses, against llvm-symbolizer: compare.py FRAMES WORK-SOURCES

Binaries: the C library (with its debug file where libc6-dbg is installed), and a C++ program built
here by gcc, by clang, and with split debugging information. Each difference falls into a class:

  depth, place, inner   the calls, their files and lines, or an inlined function's name differ: a fault
  outer                 another name for the outermost function: aliases at one address, calls through
                        the PLT, and symbols only the debug file has
  file                  llvm-symbolizer takes a file name from the symbol table where there is no
                        line; here it stays unknown
  directory             the same file, spelled with its directory once or twice
TAP; the classes are counted in the output, and any fault fails.
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
SAMPLE = 5000


def skip(reason):
  print("1..0 # SKIP " + reason)
  sys.exit(0)


def addresses(path):
  """Instruction addresses, evenly spread."""
  text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True,
                        text=True, check=True).stdout
  found = re.findall(r"^\s*([0-9a-f]+):\t", text, re.M)
  step = max(1, len(found) // SAMPLE)
  return ["0x" + a for a in found[::step]]


def parse(text):
  result = {}
  for block in text.strip("\n").split("\n\n"):
    lines = block.split("\n")
    result[int(lines[0], 16)] = [(lines[i],) + tuple(lines[i + 1].rsplit(":", 2))
                                 for i in range(1, len(lines) - 1, 2)]
  return result


def plain(path):
  """The path cleaned, and a directory that repeats ("stdlib/./stdlib") written once."""
  parts = os.path.normpath(path).split("/")
  for i in range(len(parts) - 1):
    if parts[i] == parts[i + 1]:
      return "/".join(parts[:i] + parts[i + 1:])
  return "/".join(parts)


def classify(ours, peer):
  if ours == peer:
    return "same"
  if len(ours) != len(peer):
    return "depth"
  for a, b in zip(ours, peer):
    if a[1] == "??" and a[2] == b[2] == "0" and b[1] != "??":
      return "file"
    if plain(a[1]) != plain(b[1]) or a[2:] != b[2:]:
      return "place"
  if [f[0] for f in ours[:-1]] != [f[0] for f in peer[:-1]]:
    return "inner"
  return "outer" if ours[-1][0] != peer[-1][0] else "directory"


def compare(frames, path):
  asked = "\n".join(addresses(path)) + "\n"
  ours = parse(subprocess.run([frames, path], input=asked, capture_output=True, text=True,
                              check=True).stdout)
  peer = parse(subprocess.run(["llvm-symbolizer", "--inlining", "--no-demangle",
                               "--output-style=LLVM", "--addresses", "--obj=" + path], input=asked,
                              capture_output=True, text=True, check=True).stdout)
  classes, examples = collections.Counter(), {}
  for addr in ours:
    kind = classify(ours[addr], peer[addr])
    classes[kind] += 1
    examples.setdefault(kind, (hex(addr), ours[addr], peer[addr]))
  return classes, examples


def binaries(source, out):
  at = lambda name: os.path.join(out, name)
  if os.path.exists(LIBC):
    yield "libc", LIBC
  for name, cmd in (("gcc", ["g++", "-O2", "-g"]), ("clang", ["clang++", "-O2", "-g"]),
                    ("split", ["g++", "-O2", "-g", "-gsplit-dwarf"]),
                    ("dwarf4", ["g++", "-O2", "-gdwarf-4", "-gz=zlib"])):
    if shutil.which(cmd[0]):
      subprocess.run(cmd + ["-std=c++17", os.path.join(source, "sample.cc"), "-o", at(name)],
                     check=True, cwd=out)
      yield name, at(name)


def main():
  frames, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
  for tool in ("llvm-symbolizer", "objdump", "g++"):
    if not shutil.which(tool):
      skip(tool + " is not installed")
  bad, count = 0, 0
  with tempfile.TemporaryDirectory() as out:
    for name, path in binaries(source, out):
      classes, examples = compare(frames, path)
      faults = sum(classes[kind] for kind in ("depth", "place", "inner"))
      count += 1
      bad += faults > 0
      print("%sok %d %s: %s" % ("not " if faults else "", count, name,
                                ", ".join("%d %s" % (n, kind) for kind, n in classes.most_common())))
      for kind in ("depth", "place", "inner"):
        if kind in examples:
          print("# %s at %s\n#   ours %s\n#   peer %s" % ((kind,) + examples[kind]))
  print("1..%d" % count)
  return 1 if bad else 0


sys.exit(main())
