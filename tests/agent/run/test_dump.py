"""The signal on which `sonde run` writes what is recorded so far, and the program goes on."""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

from agentlib import SONDE, WORK, Profile, main, test

# Says what SIGUSR2 does to it, and ends by itself.
COUNTS = """import signal, threading, time
got = []
signal.signal(signal.SIGUSR2, lambda *a: got.append(1))
print("up", flush=True)
threading.Thread(target=lambda: None).start()
end = time.time() + 6
while time.time() < end: sum(range(1000))
print(len(got), flush=True)
"""


def start(*flags):
  folder = tempfile.mkdtemp(dir=WORK)
  run = subprocess.Popen([SONDE, "run", *flags, "-o", os.path.join(folder, "end.pb.gz"), "--", sys.executable, "-c", COUNTS],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
  assert run.stdout.readline() == "up\n"
  time.sleep(0.8)
  return run, folder


@test
def test_two_dumps_and_the_end():
  run, folder = start()
  for number in (1, 2):
    run.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 5
    while len(glob.glob(folder + "/sonde-*/threadcreate.pb.gz")) < number and time.monotonic() < deadline:
      time.sleep(0.05)
    time.sleep(0.2)  # some CPU time between them
  out, err = run.communicate(timeout=60)
  assert run.returncode == 0 and out == "0\n", (run.returncode, out, err)  # the program got no signal
  dumps = sorted(glob.glob(folder + "/sonde-*-*"))  # by time; a second one within the second ends in ".2"
  assert len(dumps) == 2, err
  totals = [Profile(path).total() for path in [d + "/cpu.pb.gz" for d in dumps] + [folder + "/end.pb.gz"]]
  assert 0 < totals[0] < totals[1] < totals[2], totals
  created = Profile(dumps[0] + "/threadcreate.pb.gz")
  assert created.total(0) == 1
  assert 0.5e9 < created.duration < 5e9, created.duration


@test
def test_elsewhere_on_another_signal():
  where = os.path.join(WORK, "there")
  os.mkdir(where)
  run, folder = start("-dumpsignal", "sigusr1", "-dumpdir", where)
  run.send_signal(signal.SIGUSR1)
  out, err = run.communicate(timeout=60)
  assert out == "0\n" and glob.glob(where + "/sonde-*/cpu.pb.gz") and not glob.glob(folder + "/sonde-*"), err


@test
def test_none_passes_it_on():
  run, folder = start("-dumpsignal", "none")
  run.send_signal(signal.SIGUSR2)
  out, err = run.communicate(timeout=60)
  assert out == "1\n" and not glob.glob(folder + "/sonde-*"), (out, err)


@test
def test_bad_signals():
  for name in ("KILL", "BLAH", "65000"):
    done = subprocess.run([SONDE, "run", "-dumpsignal", name, "true"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "no signal that can be caught" in done.stderr, done.stderr


main()
