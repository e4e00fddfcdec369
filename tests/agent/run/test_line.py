"""include/sonde/profile.h: SONDE_PROFILE(...) at the top of main."""
import os
import re
import signal
import subprocess
import tempfile

from agentlib import WORK, Profile, main, program, sonde_run, test


def line(*args, expect=0, env=None):
  done = subprocess.run([program("line"), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                        env={**os.environ, **(env or {})})
  assert done.returncode == expect, (done.returncode, done.stderr)
  return done.stderr


@test
def test_all_profiles_at_once():
  folder = os.path.join(WORK, "all")  # is made
  said = line("all", folder)
  files = ["allocs.pprof", "block.pprof", "clock.pprof", "cpu.pprof", "goroutine.pprof", "mem.pprof", "mutex.pprof",
           "threadcreation.pprof"]
  assert sorted(os.listdir(folder)) == files
  for file in files:
    assert re.search(r"profile: \w+ profiling enabled, %s/%s\n" % (folder, file), said), said
    assert re.search(r"profile: \w+ profiling disabled, %s/%s\n" % (folder, file), said), said
  read = {file: Profile(os.path.join(folder, file)) for file in files}
  assert 0.15e9 < read["cpu.pprof"].total() < 0.5e9
  assert 100000 <= read["mem.pprof"].total(3) < 150000, read["mem.pprof"].total(3)
  assert read["allocs.pprof"].total(1) >= 150000
  assert read["threadcreation.pprof"].total(0) == 2
  assert read["clock.pprof"].total() > 0.2e9  # the burning, and the main thread's wait for the others
  assert read["goroutine.pprof"].total(0) == 1  # the two others have ended
  assert 10e6 < read["mutex.pprof"].total(1) <= read["block.pprof"].total(1)


@test
def test_plain_is_cpu_in_a_new_directory():
  said = line("plain", env={"TMPDIR": WORK})
  path = re.search(r"cpu profiling enabled, (%s/profile\w{6}/cpu\.pprof)\n" % WORK, said).group(1)
  assert Profile(path).total() > 0 and os.listdir(os.path.dirname(path)) == ["cpu.pprof"]


@test
def test_exit_and_quiet():
  folder = tempfile.mkdtemp(dir=WORK)
  assert line("exit", folder, expect=7) == ""
  assert Profile(folder + "/cpu.pprof").total() > 0


@test
def test_snapshots_of_one_recording_are_told_apart():
  folder = tempfile.mkdtemp(dir=WORK)
  sonde_run(program("line"), "twice", folder)
  for n, threads in (("1", 2), ("2", 3)):
    got = Profile(os.path.join(folder, n, "goroutine.pprof"))
    assert got.total(0) == threads, (n, got.samples)


@test
def test_interrupt():
  folder = tempfile.mkdtemp(dir=WORK)
  run = subprocess.Popen([program("line"), "interrupt", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  assert run.stdout.readline() == "ready\n"
  run.send_signal(signal.SIGINT)
  said = run.communicate(timeout=30)[1]
  assert run.returncode == -signal.SIGINT, run.returncode
  assert "caught interrupt, stopping profiles" in said and Profile(folder + "/cpu.pprof").total() > 0


main()
