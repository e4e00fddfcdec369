"""The wall profile: each thread's life is accounted for, by what it did."""
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, main, program, test  # noqa: E402

MS = 1500
# What each of the program's threads does nearly all of its life: state, and what it waits for.
DOES = {"sleeps": ("waiting", "sleep"), "naps": ("waiting", "sleep"), "hides": ("other", None), "burns": ("running", None),
        "idles": ("waiting", "cond"), "blocks": ("waiting", "mutex")}


def record(*flags, ms=MS):
  """The program's account, (life, CPU) in s by thread, and its wall profile."""
  path = os.path.join(WORK, "wall.pb.gz")
  done = subprocess.run([SONDE, "run", "-wall", path, *flags, "--", program("wall"), str(ms)], stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True, timeout=60)
  assert done.returncode == 0, done.stderr
  lines = (line.split() for line in done.stdout.splitlines())
  return {name: (int(life) / 1e6, int(cpu) / 1e6) for name, life, cpu in lines}, Profile(path)


def spent(profile):
  """Seconds by the function that the thread lives in and what it does: {name: {(state, wait): s}}."""
  out = {}
  for (frames, values), labels in zip(profile.samples, profile.labels):
    names = {name for frame in frames for name in frame}
    lives = [name for name in DOES if name in names]  # hides() before burns(), which it calls
    if lives:
      does = out.setdefault(lives[0], {})
      what = (labels["state"], labels.get("wait"))
      does[what] = does.get(what, 0) + values[1] / 1e9
  return out


def beneath_live(profile):
  """Of all of the threads together: what met nothing but their beginning is not any one's."""
  return sum(values[1] for frames, values in profile.samples if ["live"] in frames) / 1e9


def check(lives, profile, period):
  got = spent(profile)
  for name, (life, cpu) in lives.items():
    # A tick of each kind may be one too many or too few, by the phases.
    whole = sum(got[name].values())
    assert abs(whole - life) <= 4 * period + 0.01 * life, "%s: %.3f s, not %.3f: %s" % (name, whole, life, got[name])
    if name == "burns":  # how much of the time it had a CPU is the machine's
      ran = got[name].get(("running", None), 0)
      assert abs(ran - cpu) <= 3 * period + 0.01 * life, "%s: ran %.3f s, not %.3f" % (name, ran, cpu)
    else:
      most = got[name].get(DOES[name], 0)
      assert most >= 0.9 * life - 4 * period, "%s: %s" % (name, got[name])


@test
def test_every_threads_life():
  lives, profile = record()
  assert profile.types == [("samples", "count"), ("wall", "nanoseconds")], profile.types
  assert profile.period == 10000000
  check(lives, profile, 0.01)


@test
def test_at_another_rate():
  lives, profile = record("-wallhz", "1000")
  check(lives, profile, 0.001 * 4)  # running threads are met at the kernel's ticks
  samples = sum(values[0] for _, values in profile.samples)
  assert samples >= 5 * MS, samples


@test
def test_beside_the_cpu_profile():
  cpu = os.path.join(WORK, "cpu.pb.gz")
  lives, profile = record("-o", cpu, "-hz", "250")
  check(lives, profile, 0.01)
  running = sum(values[1] for (_, values), labels in zip(profile.samples, profile.labels) if labels["state"] == "running")
  total = sum(values[1] for _, values in Profile(cpu).samples)
  assert running <= total <= running + 0.05e9, (running, total)


class Staying:
  """The program, staying until it is ended, with its server."""

  def __init__(self, *flags):
    self.process = subprocess.Popen([SONDE, "run", *flags, "-http=localhost:0", "--", program("wall"), "60000", "stay"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    self.url = re.search(r"serving (\S+)/debug", self.process.stderr.readline()).group(1) + "/debug/pprof/wall"
    assert self.process.stdout.readline() == "ready\n"

  def get(self, query=""):
    path = os.path.join(WORK, "got.pb.gz")
    try:
      with urllib.request.urlopen(self.url + query, timeout=60) as answer, open(path, "wb") as f:
        f.write(answer.read())
    except urllib.error.HTTPError as why:
      raise AssertionError(why.read()) from None
    return Profile(path)

  def pid(self):
    with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as f:
      return int(f.read().split()[0])

  def end(self, sig=signal.SIGKILL):
    os.kill(self.pid(), sig)
    self.process.communicate(timeout=60)


@test
def test_waits_that_go_on_are_in_it():
  staying = Staying()
  try:
    began = time.monotonic()
    got = spent(staying.get("?seconds=1"))
    most = time.monotonic() - began + 0.1
  finally:
    staying.end()
  for name in DOES:
    whole = sum(got[name].values())
    assert 0.9 <= whole <= most, "%s: %s of %.3f" % (name, got[name], most)
  assert got["idles"].keys() == {("waiting", "cond")}, got["idles"]
  assert got["hides"][("other", None)] >= 0.8, got["hides"]


@test
def test_many_requests_at_once():
  """While threads are called, and called again, for one answer after the other."""
  staying = Staying("-wall", os.path.join(WORK, "many.pb.gz"))
  wrong, until = [], time.monotonic() + 4

  def ask():
    while time.monotonic() < until:
      try:
        urllib.request.urlopen(staying.url, timeout=60).read()
      except urllib.error.HTTPError as why:
        wrong.append(why.read())
  try:
    askers = [threading.Thread(target=ask) for _ in range(4)]
    [a.start() for a in askers]
    [a.join() for a in askers]
  finally:
    staying.end()
  assert not wrong, wrong[:3]


def idle(profile):
  return sum(spent(profile).get("idles", {}).values())


@test
def test_what_is_read_twice_is_charged_once():
  path = os.path.join(WORK, "all.pb.gz")
  staying = Staying("-wall", path)
  try:
    between = time.monotonic()
    first = idle(staying.get())
    second = idle(staying.get())
    assert 0 <= second - first <= time.monotonic() - between + 0.1, (first, second)
    deadline = time.monotonic() + 60
    while idle(staying.get()) < 1 and time.monotonic() < deadline:
      time.sleep(0.1)
  finally:
    staying.end()
  # Killed, the program could not close its account; what was charged so far is there.
  assert idle(Profile(path)) >= 1


@test
def test_threads_that_live_less_than_a_period():
  """Hundreds of lives of 3 ms at 100 Hz: a third of a tick each, on average the right sum."""
  lives = [record(ms=3) for _ in range(40)]
  told = sum(life for account, _ in lives for life, _ in account.values())
  got = sum(beneath_live(profile) for _, profile in lives)
  # 240 lives of about a third of a tick: Bernoulli, of at most half a tick's deviation each.
  assert abs(got - told) <= 6 * 0.5 * 0.01 * 240**0.5 + 0.05 * told, (got, told)


main()
