#!/usr/bin/env python3
"""Writes the profiles of inputs/: small ones that have in them what reports treat specially.

  cpu      recursion, inlined frames, the same function in two files, labels, a comment
  later    the same program some time after, for differences
  heap     four values, numeric labels with a unit, negative nothing
  names    C++, Java, Go and Rust-like names, no symbols at all, several binaries
"""
import gzip
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def varint(v):
  v &= (1 << 64) - 1
  out = bytearray()
  while v >= 0x80:
    out.append(v & 0x7F | 0x80)
    v >>= 7
  out.append(v)
  return bytes(out)


def number(field, v):
  return varint(field << 3) + varint(v) if v else b""


def message(field, body):
  return varint(field << 3 | 2) + varint(len(body)) + body


def packed(field, values):
  return message(field, b"".join(varint(v) for v in values))


class Profile:
  def __init__(self, types, period, file="/usr/bin/prog", build_id="0123abcd"):
    self.strings = [""]
    self.out = b""
    self.functions = {}
    self.locations = {}
    self.mappings = 0
    for kind, unit in types:
      self.out += message(1, self.value_type(kind, unit))
    self.out += message(11, self.value_type(*types[-1])) + number(12, period)
    self.mapping(file, build_id)

  def string(self, s):
    if s not in self.strings:
      self.strings.append(s)
    return self.strings.index(s)

  def value_type(self, kind, unit):
    return number(1, self.string(kind)) + number(2, self.string(unit))

  def mapping(self, file, build_id=""):
    self.mappings += 1
    start = 0x10000000 * self.mappings
    self.out += message(3, number(1, self.mappings) + number(2, start) + number(3, start + 0x100000) +
                        number(5, self.string(file)) + number(6, self.string(build_id)) +
                        number(7, 1) + number(8, 1) + number(9, 1) + number(10, 1))
    return self.mappings

  def function(self, name, file, line):
    key = (name, file)
    if key not in self.functions:
      self.functions[key] = len(self.functions) + 1
      self.out += message(5, number(1, self.functions[key]) + number(2, self.string(name)) +
                          number(3, self.string(name)) + number(4, self.string(file)) + number(5, line))
    return self.functions[key]

  def location(self, frames, mapping=1):
    """frames: "name file line", innermost first; no frames: an address without symbols."""
    key = (tuple(frames), mapping)
    if key not in self.locations:
      n = self.locations[key] = len(self.locations) + 1
      body = number(1, n) + number(2, mapping) + number(3, 0x10000000 * mapping + 0x10 * n)
      for frame in frames:
        name, file, line = frame.rsplit(" ", 2)
        body += message(4, number(1, self.function(name, file, int(line) // 10 * 10)) +
                        number(2, int(line)) + number(3, int(line) % 7))
      self.out += message(4, body)
    return self.locations[key]

  def sample(self, values, stack, labels=(), numbers=()):
    """stack: leaf first, each a location or a list of frames."""
    ids = [self.location(f) if isinstance(f, (list, tuple)) else f for f in stack]
    body = packed(1, ids) + packed(2, values)
    for key, value in labels:
      body += message(3, number(1, self.string(key)) + number(2, self.string(value)))
    for key, value, unit in numbers:
      body += message(3, number(1, self.string(key)) + number(3, value) + number(4, self.string(unit)))
    self.out += message(2, body)

  def write(self, name, comments=(), time=1700000000, seconds=10):
    out = self.out + number(9, time * 10**9) + number(10, seconds * 10**9)
    out += b"".join(number(13, self.string(c)) for c in comments)
    out += b"".join(message(6, s.encode()) for s in self.strings)
    with open(os.path.join(HERE, "inputs", name), "wb") as f:
      f.write(gzip.compress(out, mtime=0))


def cpu(name, scale, time):
  p = Profile([("samples", "count"), ("cpu", "nanoseconds")], 10**7)
  main, loop = ["main main.c 12"], ["run main.c 40"]
  parse = ["parse parse.c 31"]
  token = ["peek_char lex.c 9", "next_token lex.c 77"]  # inlined into next_token
  token2 = ["next_token lex.c 80"]
  fold = ["fold parse.c 120"]
  hash1, hash2 = ["hash table.c 15"], ["hash string.c 22"]
  def add(n, stack, *labels):
    n = int(n)
    p.sample([n, n * 10**7], stack, labels)
  add(40 * scale, [token, parse, loop, main], ("phase", "read"))
  add(22, [token2, parse, loop, main], ("phase", "read"), ("file", "a.txt"))
  add(17, [parse, parse, parse, loop, main], ("phase", "read"))
  add(13 * scale, [fold, fold, parse, loop, main], ("phase", "fold"))
  add(9, [hash1, fold, loop, main], ("phase", "fold"), ("file", "b.txt"))
  add(6, [hash2, fold, loop, main])
  add(1, [hash2, main])
  add(1, [["exit_hook exit.c 3"], main])
  p.write(name, ["made for tests", "# not shown"], time)


def heap():
  p = Profile([("alloc_objects", "count"), ("alloc_space", "bytes"),
               ("inuse_objects", "count"), ("inuse_space", "bytes")], 524288)
  main = ["main main.c 12"]
  def add(count, size, kept, stack):
    p.sample([count, count * size, kept, kept * size], stack, [("pool", "p%d" % (size % 3))],
             [("bytes", size, "bytes")])
  for i, size in enumerate([16, 32, 48, 64, 96, 1024, 4096, 65536, 1 << 20]):
    add(100 - 10 * i, size, 50 - 5 * i, [["grow vec.c 18"], ["push vec.c 40"], main])
  add(3, 1 << 22, 3, [["map_file io.c 50"], main])
  add(1000, 24, 0, [["strdup string.c 9"], ["read_line io.c 12"], main])
  p.write("heap.pb.gz")


def names():
  p = Profile([("cpu", "nanoseconds")], 10**7, "/opt/app/bin/server")
  lib = p.mapping("/lib/x86_64-linux-gnu/libc.so.6", "deadbeef")
  vdso = p.mapping("[vdso]")
  root = ["main main.cc 5"]
  frames = ["ns::inner::Pool::Take<int>(int) /src/ns/pool.cc 30",
            "(anonymous namespace)::helper /src/ns/pool.cc 44",
            "com.example.app.Server.handle(Request) Server.java 77",
            "example.com/mod/v2/pkg.(*T).Method pkg/t.go 19",
            "main.Map[...].func1 ../../rel/./path/map.go 3",
            'odd"name\\with<script> weird/path.c 8']
  for i, frame in enumerate(frames):
    p.sample([(i + 1) * 12345678], [[frame], root])
  p.sample([5 * 10**7], [p.location([], lib), p.location([frames[0]]), p.location(root)])
  p.sample([3 * 10**7], [p.location([], vdso), p.location(root)])
  p.sample([10**6], [p.location([], 1)])
  p.write("names.pb.gz", time=-86400, seconds=3600)


cpu("cpu.pb.gz", 1, 1700000000)
cpu("later.pb.gz", 2, 1700003600)
heap()
names()
