"""Custom profiles: what is added and not removed, by the stack that added it."""
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, main, program, test  # noqa: E402


def check(*before):
  path = os.path.join(WORK, "sessions.pb.gz")
  done = subprocess.run([*before, program("custom"), path], stderr=subprocess.PIPE, text=True, timeout=60)
  assert done.returncode == 0, done.stderr
  named = os.path.join(WORK, "named.pb.gz")
  subprocess.run([SONDE, "pprof", "-proto", "-output", named, path], check=True, capture_output=True)
  profile = Profile(named)
  assert profile.types == [("sessions", "count")] and profile.period == 1
  assert profile.total(0) == 4003
  assert profile.through("keep") == 3 and profile.through("storm") == 4000 and profile.through("drop") == 0
  assert profile.through("added") == 0, "skip leaves it out"


OTHER = "a%20%22name%22%2Fof%20%3Cany%3E%20kind"  # as a part of a URL


def check_sessions(path):
  profile = Profile(path)
  assert profile.types == [("sessions", "count")] and profile.total(0) == 4003, (profile.types, profile.total(0))
  assert profile.through("keep") == 3 and profile.through("storm") == 4000


class Staying:
  """The program under `sonde run`, up."""

  def __enter__(self):
    self.folder = tempfile.mkdtemp(dir=WORK)
    self.run = subprocess.Popen([SONDE, "run", "-http=localhost:0", "--", program("custom"), os.path.join(self.folder, "own"), "stay"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
    self.url = re.search(r"serving (\S+)", self.run.stderr.readline()).group(1)
    assert self.run.stdout.readline() == "up\n"
    return self

  def __exit__(self, *why):
    self.run.communicate(timeout=60)

  def get(self, path):
    with urllib.request.urlopen(self.url + path, timeout=60) as answer:
      return answer.headers, answer.read()


@test
def test_served():
  with Staying() as staying:
    page = staying.get("")[1].decode()
    assert '<td>4003</td><td><a href="sessions?debug=1' in page, page
    assert '<td>1</td><td><a href="%s?debug=1' % OTHER in page and "&quot;name&quot;/of &lt;any&gt; kind</a>" in page, page
    text = staying.get("sessions?debug=1")[1].decode()
    assert text.startswith("sessions profile: total 4003\n") and "\tkeep\t" in text, text[:300]
    path = os.path.join(WORK, "served.pb.gz")
    headers, body = staying.get("sessions")
    with open(path, "wb") as f:
      f.write(body)
    check_sessions(path)
    assert headers["Content-Disposition"] == 'attachment; filename="sessions"'
    assert staying.get(OTHER)[0]["Content-Disposition"] == 'attachment; filename="a _name_/of <any> kind"'
    try:
      staying.get("session")
      raise AssertionError("there is no such profile")
    except urllib.error.HTTPError as none:
      assert none.code == 404


@test
def test_dumped():
  with Staying() as staying:
    staying.run.send_signal(signal.SIGUSR2)
    pattern = os.path.join(staying.folder, "sonde-*", "*.pb.gz")
    for line in staying.run.stderr:
      if "sessions profile" in line:
        break  # the oldest is written last
    names = {os.path.basename(path) for path in glob.glob(pattern)}
    assert {"sessions.pb.gz", "a__name__of__any__kind-2.pb.gz", "heap.pb.gz"} <= names, names
    check_sessions(glob.glob(os.path.join(staying.folder, "sonde-*", "sessions.pb.gz"))[0])


@test
def test_of_a_program_that_nobody_records():
  check()


@test
def test_of_a_program_that_is_recorded():
  check(SONDE, "run", "-o", os.path.join(WORK, "cpu.pb.gz"), "--")


main()
