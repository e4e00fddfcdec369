"""What tests of execution traces share: traces as lists of events, read from what `sonde trace -d=parsed` prints, which
is Go's own text of each event."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE  # noqa: E402

HEAD = re.compile(r"^M=(-?\d+) P=(-?\d+) G=(-?\d+) (\w+) Time=(\d+)(.*)$")
CHANGE = re.compile(r" (Go|Proc)ID=(\d+) (\w+)->(\w+) Reason=\"(.*)\"$")
FRAME = re.compile(r"^\t(.+) @ 0x[0-9a-f]+$")


class Event:
  """kind; m, p, g: on which thread; time in ns. Of a change of state: what ("Go" or "Proc"), id, before, after, reason.
  stack and their_stack (of whom the change is of): names, leaf first."""

  def __init__(self, m, p, g, kind, time, rest):
    self.m, self.p, self.g, self.kind, self.time, self.rest = int(m), int(p), int(g), kind, int(time), rest
    self.stack, self.their_stack = [], []
    self.what = self.id = self.before = self.after = self.reason = None
    change = CHANGE.match(rest)
    if change:
      self.what, self.id, self.before, self.after, self.reason = change.groups()
      self.id = int(self.id)

  def __repr__(self):
    return "<%s m=%d g=%d %d%s %s>" % (self.kind, self.m, self.g, self.time, self.rest, "/".join(self.stack))


def dump(path, mode="parsed", command=(SONDE, "trace")):
  done = subprocess.run([*command, "-d=" + mode, path], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr + done.stdout[-500:]
  return done.stdout


class Trace:
  def __init__(self, path):
    dump(path, "check")
    self.events, to = [], None
    for line in dump(path).split("\n"):
      head, frame = HEAD.match(line), FRAME.match(line)
      if head:
        self.events.append(Event(*head.groups()))
      elif line == "TransitionStack=":
        to = self.events[-1].their_stack
      elif line == "Stack=":
        to = self.events[-1].stack
      elif frame and self.events:
        to.append(frame.group(1))

  def changes(self, **wanted):
    """Of goroutines, where all that is wanted is so."""
    return [e for e in self.events if e.what == "Go" and all(getattr(e, k) == v for k, v in wanted.items())]

  def names(self):
    """Goroutine -> the function it runs."""
    names = {}
    for e in self.changes():
      if e.their_stack:
        names.setdefault(e.id, e.their_stack[-1])
    return names

  def of(self, name):
    found = [g for g, n in self.names().items() if n == name]
    assert len(found) == 1, (name, self.names())
    return found[0]

  def waits(self, name):
    """Of the thread that runs it: [(reason, stack, ns, who ended it, where)], in order."""
    g, begun, ended, out = self.of(name), None, None, []
    names = self.names()
    for e in self.changes(id=g):
      if e.after in ("Waiting", "Syscall"):
        begun, ended = e, None
      elif e.before == "Waiting":
        ended = e
      if e.after == "Running" and begun:
        by = names.get(ended.g) if ended and ended.g != g else None
        out.append((begun.reason or begun.after, begun.their_stack, e.time - begun.time, by, ended.stack if by else []))
        begun = None
    return out

  def samples(self):
    return [e for e in self.events if e.kind == "StackSample"]

  def syncs(self):
    return [e for e in self.events if e.kind == "Sync"]
