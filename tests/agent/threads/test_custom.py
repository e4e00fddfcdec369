"""Custom profiles: what is added and not removed, by the stack that added it."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, main, program, test  # noqa: E402


def check(*before):
  path = os.path.join(WORK, "sessions.pb.gz")
  done = subprocess.run([*before, program("custom"), path], stderr=subprocess.PIPE, text=True, timeout=60)
  assert done.returncode == 0, done.stderr
  named = os.path.join(WORK, "named.pb.gz")
  subprocess.run([SONDE, "pprof", "-proto", "-output", named, path], check=True, capture_output=True)
  profile = Profile(named)
  assert profile.types == [("sessions", "count")] and profile.period == 1
  assert profile.total(0) == 4003
  assert profile.through("keep") == 3 and profile.through("storm") == 4000 and profile.through("drop") == 0
  assert profile.through("added") == 0, "skip leaves it out"


@test
def test_of_a_program_that_nobody_records():
  check()


@test
def test_of_a_program_that_is_recorded():
  check(SONDE, "run", "-o", os.path.join(WORK, "cpu.pb.gz"), "--")


main()
