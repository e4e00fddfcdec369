"""Storms, each of which hung or crashed an existing profiler, at 4 kHz. SONDE_STORM_SECONDS each (5;
the dlopen storm: four times that; `SONDE_STORM_SECONDS=15` makes it the full minute)."""
import os
import re
import subprocess
import urllib.request

from agentlib import PROGRAMS, SONDE, WORK, main, program, sonde_run, test

SECONDS = float(os.environ.get("SONDE_STORM_SECONDS", "5"))
PLUGINS = [os.path.join(PROGRAMS, "libplugin_%s.so" % name) for name in "ab"]


# The other kinds of profiles, on as well.
KINDS = [arg for kind in ("heap", "block", "mutex", "threadcreate", "wall", "goroutine") for arg in ("-" + kind, os.path.join(WORK, kind + ".pb.gz"))]


def storm(kind, *args, seconds=SECONDS, flags=()):
  run = sonde_run(program("storm"), kind, str(seconds), *args, hz=4000, flags=[*KINDS, *flags],
                  timeout=seconds * 4 + 60)
  print("# %s: %s times, %s" % (kind, run.out.strip(), run.err.strip().split("\n")[-1]))
  assert int(run.out) > 0
  return run


@test
def test_dlopen_and_dlclose():
  run = storm("dlopen", *PLUGINS, seconds=4 * SECONDS)
  profile = run.profile
  # Both libraries were at one address in turn; each one's work is in its own functions.
  for name in ("step_a", "step_b"):
    assert profile.through(name) > 0, "no sample in %s" % name
    assert profile.count(lambda names: name in names and "plugin_work" not in names) == 0


@test
def test_fork():
  storm("fork")


@test
def test_fork_with_children_profiled():
  storm("fork", seconds=min(SECONDS, 2), flags=["-children"])


@test
def test_fork_in_handlers():
  """Of the program, in the middle of our hooks, with every event recorded."""
  storm("handlers", flags=["-heaprate", "1", "-blockrate", "1", "-mutexfraction", "1"])


@test
def test_labels_and_custom_profiles():
  storm("labels", flags=["-heaprate", "1"])


@test
def test_exec():
  storm("exec")


@test
def test_vfork_and_posix_spawn():
  storm("spawn")


@test
def test_thread_creation():
  run = storm("threads")
  assert run.summary()["threads"] >= int(run.out)
  assert run.summary()["dropped"] == 0


@test
def test_becoming_another_program():
  run = sonde_run(program("storm"), "become", str(min(SECONDS, 5)), hz=4000, flags=KINDS)
  assert run.summary()["samples"] > 0


@test
def test_becoming_another_program_while_asked():
  """Signals of ours that meet an exec would kill the program that the process becomes."""
  cmd = [SONDE, "run", "-http=localhost:0", *KINDS, "--", program("storm"), "become", str(min(SECONDS, 5))]
  run = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  url = re.search(r"serving (\S+)", run.stderr.readline()).group(1)
  asked = answered = 0
  while run.poll() is None:
    asked += 1
    try:
      with urllib.request.urlopen(url + ("goroutine" if asked % 2 else "wall?debug=1"), timeout=60) as answer:
        answered += len(answer.read()) > 0
    except OSError:
      pass  # between two programs, or after the last
  assert run.returncode == 0, "%d: %s" % (run.returncode, run.stderr.read())
  print("# asked %d times, answered %d" % (asked, answered))
  run.communicate()


main()
