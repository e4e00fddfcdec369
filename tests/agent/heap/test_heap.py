"""The heap profile against the program's own account, over several allocators."""
import os

from agentlib import WORK, Profile, Skip, main, program, sonde_run, test
from heaplib import allocator, bound, through

TYPES = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]
SIZES = [16, 48, 100, 256, 1000, 4096, 10000, 32768]


def allocs(*args, rate=None, env=None, name="allocs", flags=()):
  """The program's account and its heap profile."""
  path = os.path.join(WORK, "heap.pb.gz")
  flags = ["-heap", path] + (["-heaprate", str(rate)] if rate else []) + list(flags)
  run = sonde_run(program(name), *map(str, args), flags=flags, env=env)
  run.heap = Profile(path)
  run.account = tuple(map(int, run.out.split()))
  return run


def shadow(env=None, operations=1000000, seed=1, name="allocs"):
  run = allocs("shadow", operations, seed, rate=1, env=env, name=name)
  assert run.heap.types == TYPES, run.heap.types
  assert run.heap.period == 1
  assert len(run.heap.comments) == 2, run.heap.comments  # nothing was lost, nothing is hidden
  assert through(run.heap, "work") == run.account, "%s, not %s" % (through(run.heap, "work"), run.account)
  return run


@test
def test_a_million_operations():
  heap = shadow().heap
  # What is shown is the caller of the allocator: none of libsonde's frames.
  names = {name for frames, _ in heap.samples for frame in frames for name in frame}
  assert "malloc" not in names and not any(name.startswith("heap_") for name in names), names
  mine = [frames for frames, _ in heap.samples if any("work" == name for f in frames for name in f)]
  leaves = {frames[0][0] for frames in mine}
  assert leaves <= {"by_malloc", "by_new", "resize", "strdup", "__strdup"}, leaves


def over(name):
  shadow(allocator(name), operations=200000)


@test
def test_jemalloc():
  over("jemalloc")


@test
def test_tcmalloc():
  over("tcmalloc")


@test
def test_mimalloc():
  over("mimalloc")


@test
def test_ten_million_objects_at_the_default_rate():
  objects, rate = 10000000, 512 * 1024
  run = allocs("many", objects)
  assert run.heap.period == rate
  got = through(run.heap, "many")
  each = objects // len(SIZES)
  live = each / objects * 4096
  for i, (count, power) in enumerate([(each, 0), (each, 1), (live, 0), (live, 1)]):
    far = bound([(count, size, rate) for size in SIZES], power)
    print("# %s: %d of %d, at most %d off" % (TYPES[i][0], got[i], run.account[i], far))
    assert abs(got[i] - run.account[i]) <= far, "%s: %d, not %d" % (TYPES[i][0], got[i], run.account[i])


@test
def test_rates_that_change_do_not_bias():
  objects, rates = 2000000, [1, 65536, 4096, 524288]
  run = allocs("rates", objects, rate=65536)
  got = through(run.heap, "many")[1]
  each = objects // len(rates) // len(SIZES)
  far = bound([(each, size, rate) for size in SIZES for rate in rates], 1)
  print("# %d of %d bytes, at most %d off" % (got, run.account[1], far))
  assert abs(got - run.account[1]) <= far
  assert run.heap.period == rates[-1]


@test
def test_fork():
  # The child's doings, on copies of the parent's blocks, do not touch the parent's account.
  run = allocs("fork", rate=1)
  assert through(run.heap, "work") == run.account


@test
def test_fork_with_children_profiled():
  run = allocs("fork", rate=1, flags=["-children"])
  assert through(run.heap, "work") == run.account


@test
def test_a_malloc_of_the_programs_own():
  run = allocs(rate=1, name="own_malloc")
  assert any("malloc of its own" in comment for comment in run.heap.comments), run.heap.comments
  assert run.heap.samples == []


@test
def test_address_sanitizer():
  if not os.path.exists(program("allocs_asan")):
    raise Skip("no AddressSanitizer for this compiler")
  run = allocs("pairs", 1000, 100, rate=1, name="allocs_asan", env={"ASAN_OPTIONS": "detect_leaks=0"})
  assert any("AddressSanitizer" in comment for comment in run.heap.comments), run.heap.comments
  assert run.heap.samples == []


main()
