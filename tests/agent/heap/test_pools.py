"""Pools that report themselves, against the pool's own account."""
import math
import os

from agentlib import WORK, Profile, main, program, sonde_run, test
from heaplib import ALLOCATORS, allocator, through


def pools(source, operations=200000, seed=1, rate=1, env=None, before=()):
  path = os.path.join(WORK, "heap.pb.gz")
  run = sonde_run(*before, program("pools"), source, str(operations), str(seed),
                  flags=["-heap", path, "-heaprate", str(rate)], env=env)
  return Profile(path), tuple(map(int, run.out.split()))


def exactly(source, env=None):
  heap, account = pools(source, env=env)
  assert through(heap, "work") == account, "%s, not %s" % (through(heap, "work"), account)
  assert through(heap, "chunk_new") == (0, 0, 0, 0)
  # As with malloc, the innermost frame is the caller.
  leaves = {frames[0][0] for frames, _ in heap.samples if any("work" in frame for frame in frames)}
  assert leaves == {"pool_alloc"}, leaves


for name in ALLOCATORS:
  def over(name=name):
    exactly("malloc", allocator(name))
  over.__name__ = "over_" + name
  test(over)


@test
def test_over_mmap():
  exactly("mmap")


@test
def test_what_hiding_hides():
  heap, account = pools("shown")
  chunks = through(heap, "chunk_new")
  assert chunks[0] == chunks[2] > 0 and chunks[1] == chunks[3] == chunks[0] * (65536 + 16)
  assert tuple(a - b for a, b in zip(through(heap, "work"), chunks)) == account


@test
def test_estimates():
  # Sizes are many; the sum's variance is bounded by that of as many blocks of the size with the most: a block of s
  # bytes adds s**2 * (1 - p) / p <= s * rate for its bytes.
  rate = 65536
  heap, account = pools("malloc", operations=2000000, rate=rate)
  log = math.log(2 / 1e-6)
  for value in (1, 3):
    most = rate + 32768  # s / (1 - exp(-s / rate)) <= s + rate
    far = most * log / 3 + math.sqrt((most * log / 3)**2 + 2 * account[value] * rate * log)
    got = through(heap, "work")[value]
    print("# %d of %d bytes, at most %d off" % (got, account[value], far))
    assert abs(got - account[value]) <= far


main()
