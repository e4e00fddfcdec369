"""Leaks: what grew while one looked."""
import os
import subprocess

from agentlib import SONDE, WORK, Profile, main, program, test
from heaplib import Served, through

TYPES = [("inuse_objects", "count"), ("inuse_space", "bytes")]
KEPT = 1008  # sizeof(struct kept)


def named(path):
  """A profile that the program wrote itself, with names."""
  out = path + ".named"
  subprocess.run([SONDE, "pprof", "-proto", "-output", out, path], check=True, capture_output=True)
  return Profile(out)


# --- grown ---


def grown(*before):
  path = os.path.join(WORK, "grown.pb.gz")
  done = subprocess.run([*before, program("grows"), "once", path], stderr=subprocess.PIPE, text=True, timeout=120)
  assert done.returncode == 0, done.stderr
  profile = named(path)
  assert profile.types == TYPES
  assert through(profile, "leaky") == (100, 100 * KEPT), through(profile, "leaky")
  assert profile.total(0) == 100, [(frames, values) for frames, values in profile.samples]
  assert any("first half" in comment for comment in profile.comments), profile.comments


@test
def test_grown_as_the_program_asks():
  grown()


@test
def test_grown_as_the_program_asks_when_recorded():
  grown(SONDE, "run", "-heap", os.path.join(WORK, "heap.pb.gz"), "-heaprate", "1", "--")


@test
def test_grown_over_http():
  with Served(program("grows"), "on", flags=("-heaprate", "1")) as served:
    profile = served.profile("heap?leak=1&seconds=2")
    text = served.ask("heap?leak=1&seconds=1&debug=1")
  objects, size = through(profile, "leaky")
  assert profile.types == TYPES
  assert objects > 0 and size == objects * KEPT and profile.total(0) == objects
  assert text[0] == 200 and text[1].startswith(b"heap profile: ") and b"leaky" in text[1], text


@test
def test_what_is_refused():
  with Served(program("grows"), "on", flags=("-heaprate", "1")) as served:
    assert served.ask("threadcreate?leak=1")[0] == 400
    assert served.ask("heap?leak=1&seconds=0")[0] == 400
    assert served.ask("leaks")[0] == 404


main()
