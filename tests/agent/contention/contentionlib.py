"""What the contention tests share: a run with block and mutex profiles, over the agent's test library."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, main, program, test  # noqa: E402,F401

TYPES = [("contentions", "count"), ("delay", "nanoseconds")]


class Contention:
  """One run under `sonde run -block -mutex`: its output and both profiles."""

  def __init__(self, *args, rate=1, fraction=1, cpu_hz=None, timeout=120):
    work = tempfile.mkdtemp(dir=WORK)
    block, mutex = os.path.join(work, "block.pb.gz"), os.path.join(work, "mutex.pb.gz")
    cmd = [SONDE, "run", "-block", block, "-blockrate", str(rate), "-mutex", mutex, "-mutexfraction", str(fraction)]
    if cpu_hz:
      cmd += ["-o", os.path.join(work, "cpu.pb.gz"), "-hz", str(cpu_hz)]
    done = subprocess.run(cmd + ["--"] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout)
    assert done.returncode == 0, "%s ended with %d: %s%s" % (args, done.returncode, done.stdout, done.stderr)
    self.out, self.err = done.stdout.split(), done.stderr
    self.block, self.mutex = Profile(block), Profile(mutex)
    for profile in (self.block, self.mutex):
      assert profile.types == TYPES and profile.period == 1, profile.types


def through(profile, *functions):
  """(contentions, seconds) of the samples in whose stacks one of the functions is."""
  count = delay = 0
  for frames, values in profile.samples:
    if any(name.split(".")[0] in functions for frame in frames for name in frame):
      count, delay = count + values[0], delay + values[1]
  return count, delay / 1e9


def leaves(profile):
  return {frames[0][0] for frames, _ in profile.samples}
