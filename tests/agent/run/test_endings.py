"""However a program ends, its profile is there, its status is passed on, and its output is its own."""
import glob
import os
import signal
import subprocess
import time

from agentlib import SONDE, Skip, main, program, sonde_run, test

ENDINGS = program("endings")


def has_work(run, images=1):
  profile = run.profile
  samples = profile.through("before_the_end")
  assert 25 * images <= samples <= 35 * images, "%d samples of %d" % (samples, 30 * images)
  return profile


def ends(how, status):
  run = sonde_run(ENDINGS, how, expect=status)
  has_work(run)
  return run


@test
def test_exit_status():
  ends("status", 42)


@test
def test__exit():
  ends("_exit", 43)


@test
def test_crash():
  ends("crash", -signal.SIGSEGV)


@test
def test_abort():
  ends("abort", -signal.SIGABRT)


@test
def test_SIGKILL():
  ends("kill", -signal.SIGKILL)


@test
def test_exec_goes_on_in_the_same_profile():
  run = sonde_run(ENDINGS, "exec", expect=42)
  has_work(run, images=2)
  assert run.summary()["threads"] == 1


def await_pause(leader):
  """Until the program under `sonde run` has done its work and sleeps."""
  limit = time.monotonic() + 60
  while time.monotonic() < limit:
    for child in open("/proc/%d/task/%d/children" % (leader.pid, leader.pid)).read().split():
      stat = open("/proc/%s/stat" % child).read().split()
      if stat[2] == "S" and int(stat[13]) + int(stat[14]) >= 25:
        return
    time.sleep(0.01)
  raise AssertionError("the program did not get to its end in a minute")


@test
def test_interrupt_from_the_terminal():
  leader = subprocess.Popen([SONDE, "run", "-o", "/dev/null", ENDINGS, "wait"],
                            stderr=subprocess.PIPE, text=True, start_new_session=True)
  await_pause(leader)
  os.killpg(leader.pid, signal.SIGINT)
  err = leader.communicate(timeout=60)[1]
  assert leader.returncode == -signal.SIGINT, leader.returncode
  assert "s of CPU" in err, err


@test
def test_termination_is_passed_on():
  leader = subprocess.Popen([SONDE, "run", "-o", "/dev/null", ENDINGS, "wait"],
                            stderr=subprocess.PIPE, text=True)
  await_pause(leader)
  leader.terminate()
  err = leader.communicate(timeout=60)[1]
  assert leader.returncode == -signal.SIGTERM, leader.returncode
  assert "s of CPU" in err, err


@test
def test_stdout_is_the_programs():
  run = ends("stdout", 0)
  assert run.out == "hello\n", repr(run.out)
  assert run.err.count("\n") == 1, run.err


@test
def test_closed_descriptors():
  ends("closed", 0)


@test
def test_chdir():
  ends("chdir", 0)


@test
def test_dropped_privileges():
  if os.getuid() != 0:
    raise Skip("not root")
  ends("drop", 0)


@test
def test_undumpable():
  ends("undumpable", 0)


@test
def test_closed_stdio():
  run = subprocess.run("exec 0<&- 1>&- 2>&-; exec '%s' run -o /dev/null '%s' status" % (SONDE, ENDINGS),
                       shell=True)
  assert run.returncode == 42, run.returncode


@test
def test_a_child_is_left_alone():
  assert sonde_run(ENDINGS, "fork").summary()["cpu"] < 0.4
  run = sonde_run(ENDINGS, "spawn")
  has_work(run)
  assert len(os.listdir(os.path.dirname(run.path))) == 1


@test
def test_the_childs_environment_is_clean():
  assert sonde_run(ENDINGS, "environ").out == ""


@test
def test_children_when_asked():
  for how in ("fork", "spawn"):
    run = sonde_run(ENDINGS, how, flags=["-children"])
    has_work(run)
    others = [name for name in os.listdir(os.path.dirname(run.path)) if name != "cpu.pb.gz"]
    assert len(others) == 1 and others[0].startswith("cpu."), others
    run.path = os.path.join(os.path.dirname(run.path), others[0])
    assert 25 <= run.profile.through("burn") <= 35


@test
def test_a_script():
  path = os.path.join(os.path.dirname(sonde_run(ENDINGS, "status", expect=42).path), "script")
  with open(path, "w") as script:
    script.write("#!/bin/sh\nexec '%s' status\n" % ENDINGS)
  os.chmod(path, 0o755)
  has_work(sonde_run(path, expect=42))


@test
def test_nothing_is_left_behind():
  before = set(glob.glob("/dev/shm/sonde-*"))
  ends("kill", -signal.SIGKILL)
  assert set(glob.glob("/dev/shm/sonde-*")) <= before


main()
