"""include/sonde/pprof.h, in programs linked with the shared and with the static library, and the
environment variables."""
import os
import subprocess

from agentlib import LIBSONDE, WORK, Profile, main, program, test


def run(*args, **env):
  done = subprocess.run(args, capture_output=True, text=True, env={**os.environ, **env})
  assert done.returncode == 0 and done.stderr == "", "%d: %s" % (done.returncode, done.stderr)
  return done.stdout


@test
def test_shared_library():
  path = os.path.join(WORK, "shared.pb.gz")
  run(program("api"), path)
  profile = Profile(path)
  assert profile.types == [("samples", "count"), ("cpu", "nanoseconds")]
  assert profile.period == 1000000
  assert 550 <= profile.total(0) <= 680, profile.total(0)
  assert profile.duration > 0
  assert program("api") in profile.files.values(), profile.files


@test
def test_profiles_by_name():
  folder = os.path.join(WORK, "byname")
  os.mkdir(folder)
  run(program("byname"), folder)
  totals = {name: Profile(os.path.join(folder, name)).total(0) for name in sorted(os.listdir(folder))}
  assert totals == {"all.pb.gz": 10, "five.pb.gz": 5, "none.pb.gz": 0, "seven.pb.gz": 7}, totals
  names = Profile(os.path.join(folder, "all.pb.gz")).types
  assert names == [("threadcreate", "count")], names


@test
def test_static_library():
  path = os.path.join(WORK, "static.pb.gz")
  run(program("api_static"), path)
  assert 550 <= Profile(path).total(0) <= 680


@test
def test_environment_of_a_linked_program():
  path = os.path.join(WORK, "env.pb.gz")
  done = subprocess.run([program("api"), "/dev/null"], capture_output=True, text=True,
                        env={**os.environ, "SONDE_CPUPROFILE": path, "SONDE_HZ": "250"})
  assert "sonde_cpu_profile_start" in done.stderr, done.stderr  # -EBUSY: one profile at a time
  assert Profile(path).period == 4000000


@test
def test_environment_of_a_preloaded_program():
  path = os.path.join(WORK, "preload-%p.pb.gz")
  run(program("totals"), "one", SONDE_CPUPROFILE=path, LD_PRELOAD=LIBSONDE)
  written = [name for name in os.listdir(WORK) if name.startswith("preload-")]
  assert len(written) == 1 and "%" not in written[0], written
  assert 195 <= Profile(os.path.join(WORK, written[0])).total(0) <= 205


@test
def test_only_libc_is_needed():
  needed = subprocess.run(["readelf", "-d", LIBSONDE], capture_output=True, text=True).stdout
  libraries = {line.split("[")[1].rstrip("]") for line in needed.split("\n") if "(NEEDED)" in line}
  assert all(name.startswith(("libc.so", "ld-linux")) for name in libraries), libraries


main()
