"""Leaks: what grew while one looked, and what no pointer leads to."""
import os
import subprocess
import sys
import tempfile

from agentlib import SONDE, WORK, Profile, Skip, main, program, sonde_run, test
from heaplib import ALLOCATORS, Served, allocator, through

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
    assert served.run.stdout.readline() == "up\n"
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
    assert served.ask("heap?leak=1&seconds=-1")[0] == 400
    assert served.ask("leaks")[0] == 404


# --- unreachable ---

NODE = 96
# What lost.c loses: by function, blocks and their bytes.
LOST = {"lost_one": {1001: 1}, "lost_chain": {NODE: 10}, "lost_ring": {NODE: 10}, "lost_itself": {NODE: 1},
        "lost_in_a_freed_one": {1501: 1}, "lost_in_one_that_moved": {1601: 1}, "lost_after_realloc": {2001: 1},
        "lose_in_thread": {3001: 1, 3003: 1}}


def found(profile):
  """{function: {size: blocks}} of the functions that are in lost.c."""
  out = {}
  for (frames, values), labels in zip(profile.samples, profile.labels):
    names = [name for frame in frames for name in frame]
    mine = [name for name in names if name.startswith(("lost_", "lose_", "kept_", "freed", "with_"))]
    assert mine, names
    sizes = out.setdefault(mine[0], {})
    sizes[labels["bytes"]] = sizes.get(labels["bytes"], 0) + values[0]
    assert values[1] == values[0] * labels["bytes"]
  return out


def contained(part, whole):
  return all(n <= whole.get(name, {}).get(size, 0) for name, sizes in part.items() for size, n in sizes.items())


def at_exit(*args, rate=1, env=None, name="lost", expect=0):
  path = os.path.join(WORK, "leaks.pb.gz")
  sonde_run(program(name), *args, flags=["-leaks", path, "-heaprate", str(rate)], env=env, expect=expect)
  profile = Profile(path)
  assert profile.types == TYPES
  return profile


def exactly(name, *args):
  if name == "jemalloc":
    # It knows each slab by its address, which is that of the first block in it.
    got = found(at_exit("exit", *args, env=allocator(name)))
    assert contained(got, LOST), got
    assert all(got.get(of) == LOST[of] for of in ("lost_chain", "lost_ring")), got
    return
  profile = at_exit("exit", *args, env=allocator(name))
  assert found(profile) == LOST, found(profile)
  assert "27 of " in profile.comments[1], profile.comments
  assert "registers" not in profile.comments[1], profile.comments  # every thread has answered


for name in ALLOCATORS:
  for threads in ([], ["threads"]):
    def over(name=name, threads=threads):
      exactly(name, *threads)
    over.__name__ = "unreachable_at_exit_over_%s%s" % (name, "_with_threads" if threads else "")
    test(over)


def asked(*before):
  # Nothing is wiped here: what is found is lost, what is not found may be.
  path = os.path.join(WORK, "asked.pb.gz")
  for args in ([], ["threads"]):
    done = subprocess.run([*before, program("lost"), "write", path, *args], stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    got = found(named(path))
    assert contained(got, LOST), got
    assert contained({of: LOST[of] for of in ("lost_chain", "lost_ring", "lost_itself")}, got), got


@test
def test_unreachable_as_the_program_asks():
  asked()


@test
def test_unreachable_as_the_program_asks_when_recorded():
  asked(SONDE, "run", "-heap", os.path.join(WORK, "heap.pb.gz"), "-heaprate", "1", "--")


@test
def test_unreachable_over_http():
  for args in ([], ["threads"]):
    with Served(program("lost"), "stay", *args, flags=("-heaprate", "1")) as served:
      assert served.run.stdout.readline() == "up\n"
      profile = served.profile("heap?leak=1")
      text = served.ask("heap?leak=1&debug=1")[1]
    got = found(profile)
    assert contained(got, LOST), got
    assert contained({of: LOST[of] for of in ("lost_chain", "lost_ring", "lost_itself")}, got), got
    assert b"lost_ring" in text and b"kept_" not in text, text


@test
def test_a_signal_of_the_programs_own_afterwards():
  # Our signals have interrupted the same accept() before, which the kernel began again each time.
  code = ("import signal, socket, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
          "s = socket.create_server(('localhost', 0))\nprint('up', flush=True)\ns.accept()")
  with Served(sys.executable, "-c", code) as served:
    assert served.run.stdout.readline() == "up\n"
    for _ in range(3):
      served.profile("heap?leak=1")
    served.run.terminate()
    assert served.run.wait(60) == 7


# --- nothing is lost that is not ---


@test
def test_a_storm_that_looks_at_itself():
  directory = tempfile.mkdtemp(dir=WORK)
  done = subprocess.run([program("moving"), "looks", directory, "30"], stderr=subprocess.PIPE, text=True, timeout=120)
  assert done.returncode == 0, done.stderr
  for i in range(30):
    profile = Profile(os.path.join(directory, str(i)))
    assert profile.samples == [], (i, profile.comments, profile.samples)


@test
def test_a_storm_looked_at_from_outside():
  with Served(program("moving"), "on", flags=("-heaprate", "1")) as served:
    assert served.run.stdout.readline() == "up\n"
    for _ in range(10):
      profile = served.profile("heap?leak=1")
      assert profile.samples == [], (profile.comments, profile.samples)


@test
def test_a_storm_that_exits():
  path = os.path.join(WORK, "storm.pb.gz")
  sonde_run(program("moving"), "on", flags=["-leaks", path, "-heaprate", "1"], stdin=subprocess.DEVNULL)
  assert Profile(path).samples == [], Profile(path).samples


@test
def test_nobody_looked():
  profile = at_exit("die", expect=-9)
  assert profile.samples == [] and any("nobody looked" in comment for comment in profile.comments), profile.comments


main()
