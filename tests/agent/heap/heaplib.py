"""What the heap's tests share."""
import glob
import math
import re
import subprocess
import tempfile
import time

from agentlib import SONDE, WORK, Profile, Skip, ask

CHANCE = 1e-6  # that a check of an estimate fails with nothing wrong
ALLOCATORS = {"glibc": None, "jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4",
              "mimalloc": "libmimalloc.so.2.0"}


def allocator(name):
  """The environment that brings it; skips the test where it is not installed."""
  if not ALLOCATORS[name]:
    return None
  found = sorted(glob.glob("/usr/lib/*/" + ALLOCATORS[name]))
  if not found:
    raise Skip("no %s on this machine" % name)
  return {"LD_PRELOAD": found[0]}


def through(profile, function):
  """The sums of the values beneath a function, or a clone of it that the compiler made."""
  sums = [0] * len(profile.types)
  for frames, values in profile.samples:
    if any(name.split(".")[0] == function for frame in frames for name in frame):
      sums = [a + b for a, b in zip(sums, values)]
  return tuple(sums)


def bound(parts, power):
  """How far an estimate of sum(count * size**power) over parts (count, size, rate) may be off: Bernstein's inequality.
  A few standard deviations will not do: one sampled block of 16 bytes stands for 32,768."""
  chances = [(count, size**power, 1 - math.exp(-size / rate)) for count, size, rate in parts]
  variance = sum(count * value**2 * (1 - p) / p for count, value, p in chances)
  most = max(value / p for _, value, p in chances)
  log = math.log(2 / CHANCE)
  return most * log / 3 + math.sqrt((most * log / 3)**2 + 2 * variance * log)


class Served:
  """A program under `sonde run -http`, for as long as its standard input is open."""

  def __init__(self, *cmd, flags=()):
    self.run = subprocess.Popen([SONDE, "run", "-http=localhost:0", *flags, "--", *cmd], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = self.run.stderr.readline()
    self.port = int(re.search(r"serving http://localhost:(\d+)/debug/pprof/", line).group(1))

  def __enter__(self):
    while self.ask("")[0] != 200:  # it has begun to record
      assert self.run.poll() is None
      time.sleep(0.01)
    return self

  def __exit__(self, *why):
    self.run.communicate()

  def ask(self, path):
    """Status and body."""
    status, _, body = ask(self.port, path)
    return status, body

  def profile(self, path):
    status, body = self.ask(path)
    assert status == 200, (status, body)
    with tempfile.NamedTemporaryFile(dir=WORK, delete=False) as file:
      file.write(body)
    return Profile(file.name)
