"""What cannot be profiled is refused with a message that says what to do, before anything runs."""
import os
import shutil
import subprocess

from agentlib import SONDE, WORK, Skip, main, program, test


def refused(args, status, *words):
  done = subprocess.run([SONDE, "run"] + args, capture_output=True, text=True, cwd=WORK)
  assert done.returncode == status, "%d: %s" % (done.returncode, done.stderr)
  assert done.stdout == ""
  for word in words:
    assert word in done.stderr, "%r is not in %r" % (word, done.stderr)
  assert not os.path.exists(os.path.join(WORK, "cpu.pb.gz"))


def write(name, data, mode=0o755):
  path = os.path.join(WORK, name)
  with open(path, "wb") as f:
    f.write(data)
  os.chmod(path, mode)
  return path


def damaged(at, data):
  image = bytearray(open(program("endings"), "rb").read())
  image[at:at + len(data)] = data
  return bytes(image)


@test
def test_static():
  refused([program("static")], 126, "linked statically", "link it dynamically")


@test
def test_missing():
  refused(["no-such-program"], 127, "not found in PATH")
  refused(["./no-such-program"], 127, "No such file")


@test
def test_directory():
  refused(["/"], 126, "is a directory")


@test
def test_not_executable():
  if os.getuid() == 0:
    refused([write("plain", b"\x7fELF", 0o644)], 126, "not executable")
  else:
    refused([write("plain", b"\x7fELF", 0o600)], 126, "not executable")


@test
def test_neither_program_nor_script():
  refused([write("text", b"echo hello\n")], 126, "neither an ELF program nor a script", "sonde run sh")


@test
def test_another_machine():
  refused([write("foreign", damaged(18, b"\x16\x00"))], 126, "another machine")


@test
def test_damaged():
  refused([write("cut", damaged(0, b"")[:64])], 126, "cut off")


@test
def test_script_of_a_static_interpreter():
  path = write("script", b"#!%s\n" % program("static").encode())
  refused([path], 126, "is a script", "linked statically")


@test
def test_setuid():
  if os.getuid() != 0:
    raise Skip("not root")
  path = os.path.join(WORK, "setuid")
  shutil.copy(program("endings"), path)
  os.chown(path, 65534, 65534)
  os.chmod(path, 0o4755)
  refused([path], 126, "setuid", "profile a copy")


@test
def test_usage():
  refused([], 2, "no program given")
  refused(["-hz", "0", "true"], 2, "from 1 to 10000")
  refused(["-hz", "10001", "true"], 2, "from 1 to 10000")
  refused(["-nope", "true"], 2, "flag provided but not defined")


main()
