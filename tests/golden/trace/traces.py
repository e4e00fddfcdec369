#!/usr/bin/env python3
"""Small execution traces, one matter each, for the golden and diff tests and the fuzz corpus.

  traces.py EVENTS_H FOLDER     writes them all to FOLDER/NAME

EVENTS_H is src/gotrace/events.h, where the numbers of events are taken from. TRACES maps names to the
functions that make the bytes: ok_* is sound, bad_* cannot be read to its end, val_* can but is unsound.
"""
import os
import re
import sys

NONE = (1 << 64) - 1  # no thread
RUNNING, IDLE, SYSCALL, ABANDONED = 1, 2, 3, 4  # procs
RUNNABLE, GO_RUNNING, GO_SYSCALL, WAITING = 1, 2, 3, 4  # goroutines
NUMBERS = {}
TRACES = {}


def load_numbers(events_h):
  with open(events_h, encoding="utf-8") as f:
    for name, number in re.findall(r"GOTRACE_EV_(\w+) = (\d+)", f.read()):
      NUMBERS[name.lower()] = int(number)


def trace(fn):
  TRACES[fn.__name__] = fn
  return fn


def varint(v, pad=0):
  v &= NONE
  out = bytearray()
  while v >= 0x80 or len(out) + 1 < pad:
    out.append(v & 0x7F | 0x80)
    v >>= 7
  out.append(v)
  return bytes(out)


def text(s):
  data = s if isinstance(s, bytes) else s.encode()
  return varint(len(data)) + data


def event(name, *args):
  return bytes([NUMBERS[name]]) + b"".join(varint(a) for a in args)


class Trace:
  """Batches in the order they are called for. Times are units; a unit is 1 ns unless `f` says else."""

  def __init__(self, version=26, f=10**9):
    self.version, self.f, self.gen = version, f, 0
    self.out = b"go 1.%d trace\0\0\0" % version

  def batch(self, m, time, data, gen=None, exp=None, size=None):
    kind = b"\x01" if exp is None else b"\x31" + bytes([exp])
    size = len(data) if size is None else size
    self.out += kind + varint(self.gen if gen is None else gen) + varint(m) + varint(time) + varint(size, 3) + data
    return self

  def generation(self, time=1000, mono=None, sec=1750000000, nsec=7, gen=None):
    self.gen = self.gen + 1 if gen is None else gen
    frequency = event("frequency", self.f)
    if self.version >= 25:
      mono = 10**6 * self.gen if mono is None else mono
      frequency = event("sync") + frequency + event("clock_snapshot", 0, mono, sec + self.gen, nsec)
    return self.batch(NONE, time, frequency)

  def strings(self, *strings, first=1):
    data = b"".join(event("string", first + i) + text(s) for i, s in enumerate(strings))
    return self.batch(NONE, 5000, event("strings") + data)

  def stacks(self, *stacks, first=1):
    """Each a list of (pc, func, file, line)."""
    data = b""
    for i, frames in enumerate(stacks):
      data += event("stack", first + i, len(frames)) + b"".join(varint(v) for f in frames for v in f)
    return self.batch(NONE, 5000, event("stacks") + data)

  def samples(self, *samples):
    return self.batch(NONE, 5000, event("cpu_samples") + b"".join(event("cpu_sample", *s) for s in samples))

  def events(self, m, time, *events):
    return self.batch(m, time, b"".join(event(*e) for e in events))

  def end(self):
    if self.version >= 26:
      self.out += bytes([NUMBERS["end_of_generation"]])
    return self

  def bytes(self):
    return self.out


def started(version=26, f=10**9):
  """Thread 100 runs goroutine 1 on proc 0; strings 1 main.main 2 work 3 a.c 4 sync, stacks 1 and 2."""
  t = Trace(version, f).generation()
  t.strings("main.main", "work", "a.c", "sync").stacks([(0x10, 2, 3, 5), (0x20, 1, 3, 9)], [(0x30, 1, 3, 1)])
  return t.events(100, 1000, ("proc_status", 1, 0, RUNNING), ("go_status", 1, 1, 100, GO_RUNNING))


def all_versions(version, region_end=1):
  """Two generations: create, block, unblock, start, end; a task and a region over both; a log, a label."""
  t = started(version)
  t.events(100, 2000, ("go_create", 5, 2, 2, 1), ("user_task_begin", 5, 9, 0, 2, 1), ("go_label", 1, 4),
           ("user_region_begin", 5, 9, 4, 1), ("user_log", 5, 9, 4, 2, 1), ("procs_change", 1, 4, 1),
           ("heap_alloc", 1, 4096), ("heap_goal", 1, 8192), ("go_block", 5, 4, 1), ("go_start", 5, 2, 1))
  t.end().generation(4000).strings("sync", "main.main", "a.c").stacks([(0x40, 2, 3, 77)])
  t.events(100, 4000, ("proc_status", 1, 0, RUNNING), ("go_status", 1, 2, 100, GO_RUNNING),
           ("go_status", 1, 1, NONE, WAITING), ("go_unblock", 5, 1, 1, 1), ("go_destroy", 5), ("go_start", 5, 1, 2),
           ("user_region_end", 5, 9, region_end, 1), ("user_task_end", 5, 9, 1), ("user_task_end", 5, 9, 0), ("go_stop", 5, 1, 0),
           ("proc_stop", 1))
  return t.end()


@trace
def ok_version_22():
  return all_versions(22).bytes()


@trace
def ok_version_23():
  t = started(23)
  t.events(100, 2000, ("go_create_blocked", 5, 2, 2, 1), ("go_switch", 5, 2, 1), ("go_create_blocked", 5, 3, 2, 1),
           ("go_switch_destroy", 5, 3, 1), ("go_status_stack", 1, 7, NONE, WAITING, 2), ("go_unblock", 1, 7, 1, 0))
  return t.bytes()


@trace
def ok_version_25():
  return all_versions(25).bytes()


@trace
def ok_version_26():
  return all_versions(26).bytes()


@trace
def bad_region_name():
  return all_versions(26, region_end=2).bytes()


@trace
def val_header_only_26():
  return Trace(26).bytes()


@trace
def bad_header_only_25():
  return Trace(25).bytes()


@trace
def ok_skewed_clocks():
  """Thread 200's clock is behind: its GoStart comes first by time, and has to wait for the creation."""
  t = started()
  t.events(100, 5000, ("go_create", 1, 2, 2, 1), ("go_unblock", 9000, 3, 1, 0))
  t.events(200, 3000, ("proc_status", 1, 1, IDLE), ("proc_start", 1, 1, 1), ("go_start", 1, 2, 1), ("go_block", 1, 4, 1))
  t.events(300, 3500, ("go_status", 1, 3, NONE, WAITING))
  return t.end().bytes()


@trace
def bad_sequence():
  t = started()
  return t.events(100, 5000, ("go_create", 1, 2, 2, 1), ("go_stop", 1, 4, 1), ("go_start", 1, 2, 2)).end().bytes()


@trace
def bad_sequence_of_last_generation():
  """The second generation says nothing of goroutine 2 before it starts it."""
  t = started().events(100, 5000, ("go_create", 1, 2, 2, 1), ("go_stop", 1, 4, 1)).end().generation(9000)
  return t.events(100, 9000, ("go_start", 1, 2, 1)).end().bytes()


@trace
def ok_samples():
  t = started().samples((2500, 100, 0, 1, 1), (900, 100, NONE, 0, 2), (99999, 200, 3, 7, 0))
  return t.events(100, 2000, ("go_label", 1, 4), ("go_label", 999, 4)).end().bytes()


@trace
def bad_sample_stack():
  return started().samples((2500, 100, 0, 1, 1), (2600, 100, 0, 1, 8)).end().bytes()


@trace
def ok_syscalls():
  t = started()
  t.events(100, 2000, ("go_syscall_begin", 1, 1, 1), ("go_syscall_end", 1), ("go_syscall_begin", 1, 2, 1),
           ("go_syscall_end_blocked", 8000))
  t.events(200, 3000, ("proc_steal", 1, 0, 3, 100), ("proc_start", 1, 0, 4), ("proc_stop", 1))
  return t.end().bytes()


@trace
def bad_steal():
  t = started().events(100, 2000, ("go_syscall_begin", 1, 1, 1))
  return t.events(200, 3000, ("proc_steal", 1, 0, 2, 300)).end().bytes()


@trace
def ok_foreign_thread():
  """A thread of the program's own comes and goes, with and without a proc; its number comes again."""
  t = started()
  t.events(200, 2000, ("proc_status", 1, 1, IDLE), ("go_create_syscall", 1, 8), ("go_syscall_end_blocked", 1),
           ("proc_start", 1, 1, 1), ("go_start", 1, 8, 1), ("go_syscall_begin", 1, 2, 0), ("go_destroy_syscall", 1))
  t.events(200, 3000, ("go_create_syscall", 1, 9), ("go_destroy_syscall", 1))
  t.events(100, 4000, ("proc_steal", 1, 1, 3, 200))
  return t.end().bytes()


@trace
def ok_abandoned_proc():
  """In the second generation the thief states the proc's status, in the name of who holds it."""
  t = started().events(100, 2000, ("go_syscall_begin", 1, 1, 1)).end().generation(5000)
  t.events(200, 5000, ("proc_status", 1, 0, ABANDONED), ("proc_steal", 1, 0, 1, 100), ("proc_start", 1, 0, 2))
  t.events(100, 5000, ("go_status", 1, 1, 100, GO_SYSCALL), ("go_syscall_end_blocked", 1))
  return t.end().bytes()


@trace
def ok_ranges():
  t = started()
  t.events(100, 2000, ("gc_active", 1, 7), ("gc_mark_assist_active", 1, 1), ("gc_sweep_active", 1, 0), ("stw_begin", 1, 4, 1),
           ("gc_end", 1, 8), ("stw_end", 1), ("gc_mark_assist_end", 1), ("gc_sweep_end", 1, 4096, 512),
           ("gc_begin", 1, 9, 1), ("gc_sweep_begin", 1, 1), ("gc_mark_assist_begin", 1, 1))
  t.end().generation(5000)
  t.events(100, 5000, ("gc_active", 1, 10), ("gc_mark_assist_active", 1, 1), ("gc_sweep_active", 1, 0),
           ("gc_mark_assist_end", 1), ("gc_sweep_end", 1, 0, 0))
  return t.end().bytes()


@trace
def ok_stop_the_world_over_generations():
  """Its kind has a string in the first generation alone."""
  t = started().events(100, 2000, ("stw_begin", 1, 4, 1)).end().generation(5000)
  return t.events(100, 5000, ("stw_end", 1)).end().bytes()


@trace
def bad_range_end():
  return started().events(100, 2000, ("stw_end", 1)).end().bytes()


@trace
def ok_experiment():
  t = started().batch(100, 2000, b"any \0 bytes", exp=1)
  t.events(100, 2000, ("span_alloc", 1, 5, 1, 3), ("heap_object_alloc", 1, 9, 4), ("heap_object_free", 1, 9),
           ("goroutine_stack", 1, 7, 2))
  return t.end().bytes()


@trace
def bad_experiment():
  return started().batch(100, 2000, b"data", exp=2).end().bytes()


@trace
def ok_names():
  t = started().strings('quo"te\\', b"\xff\x80 no utf-8", "\u00e9t\u00e9 \u65e5\u672c \U0001f600", "tab\tnl\nbel\x07\x1b\x7f",
                        "soft\u00ad\u200b\u00a0\u2028\ue000", "", first=10)
  return t.events(100, 2000, *[("user_log", 1, 0, 10 + i, 0, 0) for i in range(6)]).end().bytes()


@trace
def ok_clocks():
  """Nanoseconds that carry over, moments before 1970, and a wall clock without a fraction."""
  t = Trace().generation(1000, mono=5, sec=-86401, nsec=3 * 10**9)
  t.end().generation(2000, sec=951782400, nsec=999999999).end().generation(3000, sec=10**11, nsec=0)
  return t.end().bytes()


@trace
def ok_frequency_odd():
  """Three units a nanosecond: each difference is rounded down by itself."""
  return started(f=3 * 10**9).events(100, 6000, *[("go_label", 32, 4)] * 4).end().bytes()


@trace
def ok_frequency_go():
  return started(f=15625000).events(100, 6000, *[("go_label", 2, 4)] * 2).end().bytes()


@trace
def ok_times_tie():
  """Equal and backward times move on by a nanosecond."""
  return started().events(100, 2000, *[("go_label", 0, 4)] * 3).events(100, 1500, ("go_label", 0, 4)).end().bytes()


@trace
def ok_padded_varints():
  return started().batch(100, 2000, bytes([NUMBERS["go_label"]]) + varint(1, 10) + varint(4, 10)).end().bytes()


@trace
def bad_varint():
  return started().batch(100, 2000, bytes([NUMBERS["go_label"]]) + b"\xff" * 10 + b"\x01").end().bytes()


@trace
def bad_varint_of_header():
  return started().bytes() + b"\x01" + b"\xff" * 11


@trace
def bad_truncated():
  """Cut off within the second generation of a 1.26 trace."""
  return started().end().generation(4000).events(100, 4000, ("proc_status", 1, 0, RUNNING)).bytes()


@trace
def bad_truncated_batch_25():
  """A batch cut off after a good generation, which is delivered first."""
  return started(25).generation(4000).bytes() + b"\x01\x02\x64\x05\x7f\x0b"


@trace
def ok_truncated_table():
  """The table ends within an entry: as for Go, the trace ends there."""
  t = started().end().generation(4000)
  return t.batch(NONE, 4000, event("strings") + bytes([NUMBERS["string"]])).end().bytes()


@trace
def ok_sparse_ids():
  t = started().strings("far", first=1 << 40).stacks([(0x99, 1 << 40, 0, 3)], first=NONE)
  return t.events(100, 2000, ("user_log", 1, 3, 1 << 40, 0, NONE)).end().bytes()


@trace
def ok_one_pc():
  """What a pc's first frame says holds for all."""
  return started().stacks([(0x10, 1, 3, 1), (0x10, 3, 3, 2)], first=7).events(100, 2000, ("go_stop", 1, 4, 7)).end().bytes()


@trace
def ok_newer_event_in_22():
  """The reader takes events of later versions; the wire's does not."""
  return started(22).events(100, 2000, ("go_create_blocked", 1, 2, 2, 1)).bytes()


@trace
def bad_magic():
  return b"GIF89a, not a trace"


@trace
def bad_empty():
  return b""


@trace
def bad_version_1_19():
  return b"go 1.19 trace\0\0\0" + b"\x01\x02\x03"


@trace
def bad_version_24():
  return Trace(24).bytes()


@trace
def bad_generations_25():
  return started(25).generation(4000, gen=3).bytes()


@trace
def bad_generations_26():
  return started().generation(4000, gen=3).bytes()


@trace
def bad_generation_zero():
  return Trace().generation(gen=0).bytes()


@trace
def bad_no_frequency():
  return Trace().batch(NONE, 0, event("strings"), gen=1).end().bytes()


@trace
def bad_no_clock():
  return Trace().batch(NONE, 0, event("sync") + event("frequency", 10**9), gen=1).end().bytes()


@trace
def bad_batch_size():
  return Trace().generation().batch(1, 1, b"", size=65537).bytes()


@trace
def bad_batch_type():
  return Trace().generation().bytes() + b"\x09"


@trace
def bad_event_type():
  return started().batch(100, 2000, b"\x8b").end().bytes()


@trace
def bad_event_untimed():
  return started().batch(100, 2000, b"\x35").end().bytes()


@trace
def bad_string_twice():
  return started().strings("main.main").end().bytes()


@trace
def bad_string_long():
  return started().strings("x" * 1025, first=9).end().bytes()


@trace
def bad_stack_twice():
  return started().stacks([(0x50, 1, 3, 5)]).end().bytes()


@trace
def bad_stack_string():
  return started().stacks([(0x51, 1, 33, 5)], first=9).end().bytes()


@trace
def bad_stack_long():
  return started().stacks([(i, 1, 3, 5) for i in range(129)], first=9).end().bytes()


@trace
def bad_event_string():
  return started().events(100, 2000, ("go_label", 1, 99)).end().bytes()


@trace
def bad_event_stack():
  return started().events(100, 2000, ("go_block", 1, 4, 99)).end().bytes()


@trace
def bad_task_twice():
  return started().events(100, 2000, ("user_task_begin", 1, 9, 0, 2, 1), ("user_task_begin", 1, 9, 0, 2, 1)).end().bytes()


@trace
def bad_no_proc():
  return started().events(200, 2000, ("heap_alloc", 1, 1)).end().bytes()


@trace
def bad_late_goroutine():
  return started().end().generation(5000).events(100, 5000, ("go_status", 1, 3, NONE, WAITING)).end().bytes()


@trace
def bad_proc_status():
  return started().events(100, 2000, ("proc_status", 1, 1, 257)).end().bytes()


@trace
def val_clock_back():
  return started().end().generation(500, mono=1, sec=5, nsec=0).end().bytes()


@trace
def val_open_range():
  return started().events(100, 2000, ("stw_begin", 1, 4, 1), ("go_destroy", 1)).end().bytes()


@trace
def val_frame():
  return started().stacks([(0x60, 0, 0, 0), (0x61, 1, 0, 4)], first=9).events(100, 2000, ("go_stop", 1, 4, 9)).end().bytes()


@trace
def val_label():
  return started().events(100, 2000, ("go_label", 1, 0)).end().bytes()


@trace
def val_task_id():
  return started().events(100, 2000, ("user_task_begin", 1, 0, 0, 2, 1)).end().bytes()


@trace
def val_two_goroutines():
  return started().events(100, 2000, ("go_status", 1, 2, 100, GO_RUNNING)).end().bytes()


def main():
  load_numbers(sys.argv[1])
  for name, make in TRACES.items():
    with open(os.path.join(sys.argv[2], name), "wb") as f:
      f.write(make())


if __name__ == "__main__":
  main()
