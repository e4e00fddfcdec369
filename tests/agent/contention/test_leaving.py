"""Waits that end in ways they were not made for: signals of the profiler, cancellation, jumps, forks."""
import glob
import os
import subprocess
import tempfile
import time

from contentionlib import SONDE, WORK, Contention, main, program, test

SECONDS = float(os.environ.get("SONDE_STORM_SECONDS", "5"))


def recording_of(run):
  """The recording of what `sonde run` has started."""
  for _ in range(1000):
    children = open("/proc/%d/task/%d/children" % (run.pid, run.pid)).read().split()
    found = [name for pid in children for where in ("/dev/shm", os.environ.get("TMPDIR", "/tmp"))
             for name in glob.glob("%s/sonde-*/%s.0.sonde" % (where, pid))]
    if found:
      return found[0]
    time.sleep(0.01)
  raise AssertionError("no recording")


@test
def test_signals_of_the_profiler_are_not_seen():
  profile = os.path.join(tempfile.mkdtemp(dir=WORK), "block.pb.gz")
  run = subprocess.Popen([SONDE, "run", "-block", profile, "--", program("interrupted"), str(SECONDS)],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
  poke = subprocess.run([program("poke"), recording_of(run), str(SECONDS - 1)], stdout=subprocess.PIPE, text=True)
  out, _ = run.communicate(timeout=60)
  interrupted, early, turns = map(int, out.split())
  print("# %s signals in %d waits: %d interrupted, %d ended early" % (poke.stdout.strip(), turns, interrupted, early))
  assert run.returncode == 0 and int(poke.stdout) > 10 * SECONDS and turns > 0
  assert interrupted == 0 and early == 0
  # Of 30 ms each; nor do they begin anew with each signal.
  assert turns >= SECONDS / 0.03 / 4


def storm(kind):
  run = Contention(program("leaves"), kind, str(SECONDS), cpu_hz=4000, timeout=SECONDS * 4 + 60)
  print("# %s: %s times" % (kind, run.out[0]))
  assert int(run.out[0]) > 0


@test
def test_threads_cancelled_while_they_wait():
  storm("cancel")


@test
def test_jumps_out_of_waits():
  storm("jump")


@test
def test_forks_while_locks_are_fought_over():
  storm("fork")


main()
