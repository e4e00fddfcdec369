"""Beside other preloaded libraries, in both orders, and in programs built with sanitizers."""
import glob
import os
import shutil
import subprocess

from agentlib import LIBSONDE, WORK, Skip, main, program, sonde_run, test

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "allocates.c")
FOLDERS = ("/usr/lib/*-linux-gnu/", "/usr/lib/", "/usr/lib64/")


def allocator(name):
  for folder in FOLDERS:
    found = glob.glob(folder + name)
    if found:
      return sorted(found)[0]
  raise Skip("%s is not installed" % name)


def both_orders(name):
  path = allocator(name)
  run = sonde_run(program("allocates"), env={"LD_PRELOAD": path}, hz=1000)
  check(run)
  assert any(path.split("/")[-1].split(".so")[0] in file for file in run.profile.files.values())
  # The other way round: the allocator first. SONDE_CPUPROFILE needs no `sonde run`.
  profile = os.path.join(WORK, name + ".pb.gz")
  done = subprocess.run([program("allocates")], capture_output=True, text=True,
                        env={**os.environ, "LD_PRELOAD": path + ":" + LIBSONDE, "SONDE_HZ": "1000",
                             "SONDE_CPUPROFILE": profile})
  assert done.returncode == 0 and done.stdout == "done\n" and done.stderr == "", done
  run.path = profile
  check(run)


def check(run):
  assert run.out == "done\n"
  assert 850 <= run.profile.total(0) <= 1100, run.profile.total(0)


@test
def test_jemalloc():
  both_orders("libjemalloc.so.2")


@test
def test_tcmalloc():
  both_orders("libtcmalloc_minimal.so.4")


@test
def test_mimalloc():
  both_orders("libmimalloc.so.2*")


def built(compiler, sanitizer):
  if not shutil.which(compiler):
    raise Skip("%s is not installed" % compiler)
  out = os.path.join(WORK, "%s-%s" % (compiler, sanitizer))
  done = subprocess.run([compiler, "-O1", "-g", "-fsanitize=" + sanitizer, "-o", out, SOURCE, "-lpthread"],
                        capture_output=True, text=True)
  if done.returncode or subprocess.run([out], capture_output=True).returncode:
    raise Skip("%s -fsanitize=%s does not work here" % (compiler, sanitizer))
  return out


def runs(compiler, sanitizer):
  run = sonde_run(built(compiler, sanitizer), hz=1000)
  check(run)


@test
def test_gcc_address():
  runs("gcc", "address")


def declined(compiler):
  run = sonde_run(built(compiler, "thread"), hz=1000, expect=1)
  assert run.out == "done\n"
  assert "built with ThreadSanitizer" in run.err, run.err
  assert not os.path.exists(run.path)


@test
def test_gcc_thread_runs_unprofiled():
  declined("gcc")


@test
def test_gcc_undefined():
  runs("gcc", "undefined")


@test
def test_clang_address():
  runs("clang", "address")


@test
def test_clang_thread_runs_unprofiled():
  declined("clang")


main()
