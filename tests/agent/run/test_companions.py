"""Beside other preloaded libraries, in both orders, and in programs built with sanitizers."""
import glob
import os
import shutil
import subprocess

from agentlib import LIBSONDE, SONDE, WORK, Skip, main, program, sonde_run, test

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


@test
def test_go_runs_unprofiled():
  if not shutil.which("go"):
    raise Skip("go is not installed")
  folder = os.path.join(WORK, "gomain")
  os.mkdir(folder)
  with open(os.path.join(folder, "main.go"), "w") as f:
    f.write('package main\n\nimport "C"\n\nfunc main() { println("done") }\n')
  done = subprocess.run(["go", "build", "-o", "gomain", "main.go"], cwd=folder, capture_output=True,
                        text=True, env={**os.environ, "CGO_ENABLED": "1"})
  if done.returncode:
    raise Skip("cgo does not work here")
  run = sonde_run(os.path.join(folder, "gomain"), expect=1)
  assert "done\n" in run.err and "holds Go code" in run.err, run.err


@test
def test_no_room_for_the_recording():
  if os.getuid() != 0 or not shutil.which("unshare"):
    raise Skip("needs root and unshare")
  script = "mount -t tmpfs -o size=100k none /dev/shm && exec '%s' run -o /dev/null '%s'"
  done = subprocess.run(["unshare", "-m", "sh", "-c", script % (SONDE, program("allocates"))],
                        capture_output=True, text=True)
  if "unshare" in done.stderr or "mount" in done.stderr:
    raise Skip("no mounts here")
  assert done.returncode == 1 and done.stdout == "done\n", done
  assert "could not be made" in done.stderr, done.stderr


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
