#!/usr/bin/env python3
"""`sonde convert` as a command: run.py SONDE PROFILE_INPUTS PPROF_INPUTS. TAP.

What the formats are read as is for tests/golden/profile; here: options before and after the inputs, formats by the
output's name, pipes, merging, every output read again, and what is said of what cannot be done.
"""
import gzip
import json
import os
import subprocess
import sys
import tempfile

SONDE, INPUTS, PROFILES = (os.path.abspath(a) for a in sys.argv[1:4])
WORK = tempfile.mkdtemp()
TESTS = []


def test(fn):
  TESTS.append(fn)
  return fn


def given(name):
  return os.path.join(PROFILES if name.endswith(".pb.gz") else INPUTS, name)


def convert(*args, stdin=b"", expect=0):
  done = subprocess.run([SONDE, "convert", *args], input=stdin, capture_output=True, cwd=WORK, timeout=60)
  assert done.returncode == expect, (args, done.returncode, done.stderr)
  assert (done.stderr == b"") == (expect == 0), (args, done.stderr)
  return done.stdout if expect == 0 else done.stderr.decode()


def made(name):
  with open(os.path.join(WORK, name), "rb") as f:
    return f.read()


FOLDED = b"main;a 3\nmain;a;b 7\nmain;operator new(unsigned long) 7\n[idle] 1\n"


def lines(text):
  return sorted(text.splitlines())


@test
def options_before_and_after():
  before = convert("-to", "folded", given("folded.txt"))
  assert lines(before) == lines(FOLDED), before
  for args in (["-to", "folded", "-o", "x", given("folded.txt")], [given("folded.txt"), "-o", "x", "-to=folded"],
               ["-o=x", given("folded.txt"), "-to", "folded"], ["-to", "folded", "-o", "x", "--", given("folded.txt")]):
    assert convert(*args) == b"" and made("x") == before, args
    os.unlink(os.path.join(WORK, "x"))


@test
def formats_by_the_name_of_the_output():
  cpu = given("cpu.pb.gz")
  for to, name in ("pprof", "a.pb.gz"), ("proto", "a.pb"), ("folded", "a.folded"), ("speedscope", "a.speedscope.json"), ("raw", "a.txt"):
    convert(cpu, "-o", name)
    assert made(name) == convert("-to", to, cpu), to
  assert gzip.decompress(made("a.pb.gz")) == made("a.pb")
  convert(cpu, "-o", "noend")
  assert made("noend") == made("a.pb.gz")
  convert(cpu, "-o", "b.pb.gz", "-to", "folded")
  assert made("b.pb.gz") == made("a.folded")


@test
def all_outputs_hold_the_same():
  convert(given("cpu.pb.gz"), "-o", "c.folded")
  total = sum(int(line.rsplit(b" ", 1)[1]) for line in made("c.folded").splitlines())
  scope = json.loads(convert("-to", "speedscope", given("cpu.pb.gz")))
  shown = scope["profiles"][scope["activeProfileIndex"]]
  assert total > 0 and sum(shown["weights"]) == total
  convert("c.folded", "-o", "c.pb.gz")
  assert lines(convert("-to", "folded", "c.pb.gz")) == lines(made("c.folded"))


@test
def standard_input():
  assert lines(convert("-to", "folded", "-", stdin=FOLDED)) == lines(FOLDED)
  assert lines(convert("-to", "folded", "-", stdin=gzip.compress(FOLDED))) == lines(FOLDED)


@test
def several_are_merged():
  both = convert("-to", "folded", given("folded.txt"), "-", stdin=b"main;a 10\nother 1\n")
  assert b"main;a 13\n" in both and b"other 1\n" in both and b"main;a;b 7\n" in both, both


@test
def sample_types():
  of = [convert("-to", "folded", "-sample_index", t, given("heap.pb.gz")) for t in ("alloc_space", "1", "inuse_space")]
  assert of[0] == of[1] != of[2]
  assert "no_such" in convert("-to", "folded", "-sample_index", "no_such", given("heap.pb.gz"), expect=1)


@test
def wrong_command_lines():
  assert "no format \"xml\"" in convert("-to", "xml", given("cpu.pb.gz"), expect=2)
  assert "no format \"xml\"" in convert("-from", "xml", given("cpu.pb.gz"), expect=2)
  assert "no input" in convert(expect=2)
  assert "-o" in convert(given("cpu.pb.gz"), "-o", expect=2)
  assert "-nope" in convert(given("cpu.pb.gz"), "-nope", expect=2)
  assert b"usage: sonde convert" in convert("-h")


@test
def inputs_that_cannot_be_read():
  assert "missing.pb.gz: No such file or directory" in convert("missing.pb.gz", expect=1)
  assert "bad_folded.txt" in convert("-from", "folded", given("bad_folded.txt"), expect=1)
  open(os.path.join(WORK, "empty"), "w").close()
  said = convert("empty", expect=1)
  assert "empty" in said, said
  cut = made("a.pb.gz")[:200]
  with open(os.path.join(WORK, "cut.pb.gz"), "wb") as f:
    f.write(cut)
  assert "cut.pb.gz" in convert("cut.pb.gz", expect=1)


@test
def one_bad_input_among_good_writes_nothing():
  assert "missing: No such file" in convert(given("folded.txt"), "missing", "-o", "part.folded", expect=1)
  assert not os.path.exists(os.path.join(WORK, "part.folded"))


@test
def outputs_that_cannot_be_written():
  assert "no/such/dir" in convert(given("cpu.pb.gz"), "-o", "no/such/dir/x", expect=1)
  done = subprocess.run([SONDE, "convert", "-to", "raw", given("cpu.pb.gz")], stdout=open("/dev/full", "w"), stderr=subprocess.PIPE)
  assert done.returncode == 1 and b"No space left" in done.stderr, done


def main():
  print("1..%d" % len(TESTS))
  for number, fn in enumerate(TESTS, 1):
    try:
      fn()
      print("ok %d %s" % (number, fn.__name__), flush=True)
    except Exception as why:
      print("not ok %d %s\n# %r" % (number, fn.__name__, why), flush=True)


main()
