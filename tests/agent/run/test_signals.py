"""SIGPROF is shared with the program: it sees its own signals, mask and handler as if alone, and is
sampled. Each mode must also hold without sonde."""
import signal
import subprocess

from agentlib import main, program, sonde_run, test


def holds(mode, samples, status=0):
  alone = subprocess.run([program("signals"), mode], capture_output=True, text=True)
  assert alone.returncode == status, alone.stderr
  run = sonde_run(program("signals"), mode, hz=1000, expect=status)
  seen = run.profile.total(0)
  assert seen >= samples, "%d samples, not %d" % (seen, samples)


@test
def test_own_handler():
  holds("handler", 280)


@test
def test_own_interval_timer():
  holds("itimer", 470)


@test
def test_all_signals_blocked():
  holds("blocks", 280)


@test
def test_a_thread_inherits_the_mask():
  holds("inherits", 280)


@test
def test_blocked_and_sent():
  holds("pending", 0)


@test
def test_waiting_for_all_signals():
  holds("waits", 700)


@test
def test_errno_is_kept():
  holds("errno", 470)


@test
def test_its_own_SIGPROF_still_kills():
  holds("default", 80, -signal.SIGPROF)


main()
