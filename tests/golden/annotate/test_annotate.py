#!/usr/bin/env python3
"""disasm and weblist on binaries that do not exist: test_annotate.py MOCK_REPORT SHARED

Golden files of our own lie beside this script (UPDATE=1 rewrites them). Where google/pprof's cases
are there, the two that need its mock binaries are held to its output byte for byte; of the weblist
page that is the body, since the style and script are our own. TAP.
"""
import gzip
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = []


def check(name, got, want):
  RESULTS.append(got == want)
  print("%sok %d %s" % ("" if got == want else "not ", len(RESULTS), name))
  if got != want:
    for line in (got or "").splitlines():
      print("# got  " + line)
    for line in (want or "").splitlines():
      print("# want " + line)


def run(tool, kind, pattern, profile, table, cwd, *options):
  result = subprocess.run([tool, kind, pattern, profile, table, *options], cwd=cwd,
                          capture_output=True, text=True)
  return result.stdout if result.returncode == 0 else result.stderr


def body(page):
  return page[page.index("<body>"):]


# --- a profile of our own ---

def varint(x):
  out = b""
  while x >= 0x80:
    out += bytes([x & 127 | 128])
    x >>= 7
  return out + bytes([x])


def number(field, value):
  return varint(field << 3) + varint(value)


def message(field, data):
  return varint(field << 3 | 2) + varint(len(data)) + data


def own_profile():
  """caller() calls leaf() at 0x2002, where helper() is inlined into leaf(); ns::big<int>() at 0x3000."""
  strings = ["", "samples", "count", "/bin/own", "leaf", "own.c", "helper", "caller", "_Zbig",
             "ns::big<int>"]
  out = message(1, number(1, 1) + number(2, 2))
  for stack, value in (((1, 3), 7), ((2, 3), 2), ((4,), 5)):
    out += message(2, b"".join(number(1, loc) for loc in stack) + number(2, value))
  out += message(3, number(1, 1) + number(2, 0x1000) + number(3, 0x9000) + number(5, 3) + number(7, 1))
  line = lambda function, n: message(4, number(1, function) + number(2, n))
  out += message(4, number(1, 1) + number(2, 1) + number(3, 0x1000) + line(1, 3))
  out += message(4, number(1, 2) + number(2, 1) + number(3, 0x1005) + line(2, 8) + line(1, 4))
  out += message(4, number(1, 3) + number(2, 1) + number(3, 0x2002) + line(3, 12))
  out += message(4, number(1, 4) + number(2, 1) + number(3, 0x3000) + line(4, 0))
  for ident, name, system in ((1, 4, 4), (2, 6, 6), (3, 7, 7), (4, 9, 8)):
    out += message(5, number(1, ident) + number(2, name) + number(3, system) + number(4, 5))
  for s in strings:
    out += message(6, s.encode())
  return gzip.compress(out)


OWN_TABLE = """\
inst\t0x1000\tmov    %edi,%eax\tleaf\tsrc/own.c\t3
inst\t0x1002\tadd    $0x1,%eax\tleaf\tsrc/own.c\t4
inst\t0x1004\timul   0x1234567(%rip),%eax        # 12355 <table>\tleaf\tsrc/own.c\t4
inst\t0x1008\tret\tleaf\tsrc/own.c\t5
inst\t0x2000\tcall   1000 <leaf>\tcaller\tsrc/own.c\t12
inst\t0x2005\tret\tcaller\tsrc/own.c\t13
inst\t0x3000\tnop\tns::big\t\t0
symbol\tleaf\t0x1000\t0x1008
symbol\tcaller\t0x2000\t0x2005
frame\t0x1000\tleaf\town.c\t3
frame\t0x1002\tleaf\town.c\t4
frame\t0x1004\thelper\town.c\t8
frame\t0x1004\tleaf\town.c\t4
frame\t0x1008\tleaf\town.c\t5
frame\t0x2000\tcaller\town.c\t12
frame\t0x2005\tcaller\town.c\t13
"""

OWN_SOURCE = "".join("\tline %d <&>\n" % n for n in range(1, 15))


def golden(name, got):
  path = os.path.join(HERE, name)
  if os.environ.get("UPDATE"):
    with open(path, "w") as f:
      f.write(got)
  with open(path) as f:
    check(name, got, f.read())


def own_cases(tool):
  with tempfile.TemporaryDirectory() as folder:
    at = lambda name: os.path.join(folder, name)
    with open(at("p.pb.gz"), "wb") as f:
      f.write(own_profile())
    for name, text in (("table", OWN_TABLE), ("own.c", OWN_SOURCE)):
      with open(at(name), "w") as f:
        f.write(text)
    golden("disasm.golden", run(tool, "disasm", "leaf|caller", at("p.pb.gz"), at("table"), folder))
    golden("weblist.golden", body(run(tool, "weblist", "leaf", at("p.pb.gz"), at("table"), folder)))
    golden("weblist_all.golden", body(run(tool, "weblist", ".", at("p.pb.gz"), at("table"), folder)))
    check("no match", run(tool, "weblist", "absent", at("p.pb.gz"), at("table"), folder),
          "no matches found for regexp: absent\n")


# --- google/pprof's ---

def shared_table(path):
  with open(path) as f:
    mock = json.load(f)
  lines = []
  for inst in mock["disasm"]:
    lines.append("\t".join(["inst", inst["addr"], inst["text"], inst["function"], inst["file"],
                            str(inst.get("line", 0))]))
  for symbol in mock["symbols"]["line[13]"]:
    lines.append("\t".join(["symbol", symbol["name"], symbol["start"], symbol["end"]]))
  for addr, frames in mock["source_line"].items():
    for function, file, line in frames:
      name = mock["fake_demangler"].get(function, function)
      lines.append("\t".join(["frame", addr, name, file, str(line)]))
  return "\n".join(lines) + "\n"


def shared_cases(tool, shared):
  cases = os.path.join(shared, "cases/pprof")
  names = {"pprof.cpu.flat.addresses.disasm": ("disasm", "line[13]"),
           "pprof.cpu.flat.addresses.weblist": ("weblist", "line(1000|3000)$")}
  if not os.path.isdir(cases):
    for name in names:
      RESULTS.append(True)
      print("ok %d %s # SKIP the shared cases are not here" % (len(RESULTS), name))
    return
  profile = os.path.join(cases, "inputs/driver/cpu.pb.gz")
  options = ["nodefraction=0.05", "edgefraction=0.01", "nodecount=20", "unit=minimum",
             "compact_labels=true"]
  with tempfile.NamedTemporaryFile("w", suffix=".tsv") as table:
    table.write(shared_table(os.path.join(cases, "mock_objtool.json")))
    table.flush()
    for name, (kind, pattern) in names.items():
      got = run(tool, kind, pattern, profile, table.name, os.path.join(cases, "inputs/src"), *options)
      with open(os.path.join(cases, "golden/driver", name)) as f:
        want = f.read()
      if kind == "weblist":
        got, want = body(got), body(want)
      check(name, got, want)


def main():
  tool = os.path.abspath(sys.argv[1])
  own_cases(tool)
  shared_cases(tool, sys.argv[2])
  print("1..%d" % len(RESULTS))
  return 0 if all(RESULTS) else 1


sys.exit(main())
