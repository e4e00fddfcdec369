"""What the agent's tests share: TAP, running under `sonde run`, and reading the profile.

The reader of profile.proto here is written from the .proto alone and shares nothing with sonde's.
Each test file is run as: python3 test_X.py BUILD_ROOT PROGRAMS, and prints TAP.
"""
import gzip
import http.client
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback

BUILD, PROGRAMS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SONDE = os.path.join(BUILD, "sonde")
LIBSONDE = os.path.join(BUILD, "libsonde.so")
WORK = tempfile.mkdtemp(prefix="sonde-test-")
TESTS = []


class Skip(Exception):
  pass


def test(fn):
  TESTS.append(fn)
  return fn


def main():
  print("1..%d" % len(TESTS), flush=True)
  failed = 0
  for number, fn in enumerate(TESTS, 1):
    name = fn.__name__.removeprefix("test_").replace("_", " ")
    try:
      fn()
      print("ok %d %s" % (number, name), flush=True)
    except Skip as why:
      print("ok %d %s # SKIP %s" % (number, name, why), flush=True)
    except Exception:
      failed += 1
      print("not ok %d %s" % (number, name))
      print("".join("# " + line + "\n" for line in traceback.format_exc().split("\n")), flush=True)
  shutil.rmtree(WORK, ignore_errors=True)
  sys.exit(1 if failed else 0)


def program(name):
  return os.path.join(PROGRAMS, name)


class Run:
  """One run: status (negative: signal), out, err, and the profile's path."""

  def __init__(self, status, out, err, profile):
    self.status, self.out, self.err, self.path = status, out, err, profile

  @property
  def profile(self):
    return Profile(self.path)

  def summary(self):
    """The numbers of the line on stderr."""
    match = re.search(r"sonde run: ([\d.]+)s of CPU in ([\d.]+)s, (\d+) samples at (\d+) Hz, (\d+) "
                      r"threads?, (\d+) truncated, (\d+) dropped: ", self.err)
    assert match, "no summary in %r" % self.err
    names = ("cpu", "duration", "samples", "hz", "threads", "truncated", "dropped")
    return dict(zip(names, map(float, match.groups())))


def sonde_run(*args, hz=None, flags=(), env=None, expect=0, timeout=300, **kw):
  """`sonde run` of a program; `expect` is the status it must end with (None: any)."""
  profile = os.path.join(tempfile.mkdtemp(dir=WORK), "cpu.pb.gz")
  cmd = [SONDE, "run", "-o", profile] + (["-hz", str(hz)] if hz else []) + list(flags) + ["--"]
  done = subprocess.run(cmd + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        env={**os.environ, **(env or {})}, timeout=timeout, **kw)
  assert expect is None or done.returncode == expect, "%s ended with %d, not %d: %s%s" % (
    args, done.returncode, expect, done.stdout, done.stderr)
  return Run(done.returncode, done.stdout, done.stderr, profile)


def ask(port, path, method="GET", body=None, **headers):
  """Status, headers and body of /debug/pprof/PATH."""
  connection = http.client.HTTPConnection("localhost", port, timeout=60)
  connection.request(method, "/debug/pprof/" + path, body=body, headers=headers)
  answer = connection.getresponse()
  return answer.status, answer.headers, answer.read()


# --- profile.proto ---

def fields(data):
  at = 0

  def varint():
    nonlocal at
    value = shift = 0
    while True:
      byte = data[at]
      at += 1
      value |= (byte & 127) << shift
      shift += 7
      if byte < 128:
        return value

  while at < len(data):
    tag = varint()
    kind = tag & 7
    if kind == 0:
      yield tag >> 3, varint()
    elif kind == 2:
      size = varint()
      yield tag >> 3, data[at:at + size]
      at += size
    elif kind == 1:
      yield tag >> 3, struct.unpack_from("<Q", data, at)[0]
      at += 8
    else:
      raise ValueError("wire type %d" % kind)


def repeated(value):
  """A repeated integer field: packed, or one of them."""
  if isinstance(value, int):
    return [value]
  out, current, shift = [], 0, 0
  for byte in value:
    current |= (byte & 127) << shift
    shift += 7
    if byte < 128:
      out.append(current)
      current = shift = 0
  return out


class Profile:
  """samples: list of (frames leaf first, values); a frame is a list of function names, the innermost
  inlined call first, or [address]. labels: the labels of each, in the order of the keys' appearance."""

  def __init__(self, path):
    raw = gzip.open(path).read()
    strings, types, samples, locations, functions = [], [], [], {}, {}
    self.mappings, self.comments = {}, []
    self.duration = self.period = 0
    for number, value in fields(raw):
      if number == 1:
        types.append(dict(fields(value)))
      elif number == 2:
        samples.append(value)
      elif number == 3:
        self.mappings[dict(fields(value))[1]] = dict(fields(value))
      elif number == 4:
        location = list(fields(value))
        locations[dict(location)[1]] = location
      elif number == 5:
        functions[dict(fields(value))[1]] = dict(fields(value))
      elif number == 6:
        strings.append(value.decode())
      elif number == 10:
        self.duration = value
      elif number == 12:
        self.period = value
      elif number == 13:
        self.comments += repeated(value)
    self.comments = [strings[i] for i in self.comments]
    self.types = [(strings[t[1]], strings[t[2]]) for t in types]
    self.files = {i: strings[m.get(5, 0)] for i, m in self.mappings.items()}
    self.build_ids = {strings[m.get(5, 0)]: strings[m.get(6, 0)] for m in self.mappings.values()}

    def names(location):
      lines = [dict(fields(v)) for k, v in location if k == 4]
      return [strings[functions[line[1]].get(2, 0)] for line in lines] or ["0x%x" % dict(location).get(3, 0)]

    frames = {i: names(location) for i, location in locations.items()}
    self.samples, self.labels = [], []
    for sample in samples:
      ids, values, labels = [], [], {}
      for number, value in fields(sample):
        if number == 1:
          ids += repeated(value)
        elif number == 2:
          values += repeated(value)
        elif number == 3:
          label = dict(fields(value))
          labels[strings[label[1]]] = strings[label[2]] if 2 in label else label.get(3, 0)
      self.samples.append(([frames[i] for i in ids], values))
      self.labels.append(labels)

  def total(self, value=1):
    return sum(values[value] for _, values in self.samples)

  def count(self, where):
    """The samples (weight) whose flat list of names, leaf first, `where` accepts."""
    return sum(values[0] for frames, values in self.samples
               if where([name for frame in frames for name in frame]))

  def stacks(self, where):
    """How many different stacks `where` accepts."""
    return sum(1 for frames, _ in self.samples if where([name for frame in frames for name in frame]))

  def through(self, function):
    """Through a function, or the compiler's clones of it (burn.constprop.0)."""
    return self.count(lambda names: any(name.split(".")[0] == function for name in names))
