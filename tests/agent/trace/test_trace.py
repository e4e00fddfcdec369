"""Execution traces: that what happened is in them, that they are always well formed, and how they are asked for."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tracelib import Trace, dump  # noqa: E402
from agentlib import LIBSONDE, SONDE, WORK, Skip, ask, main, program, sonde_run, test  # noqa: E402

MS = 1000000


def traced(*args, flags=(), **kw):
  path = os.path.join(tempfile.mkdtemp(dir=WORK), "trace.out")
  run = sonde_run(*args, flags=["-trace", path, *flags], **kw)
  run.trace = path
  return run


def longest(waits, function):
  of = [w for w in waits if w[1] and w[1][0] == function]
  assert of, (function, waits)
  return max(of, key=lambda w: w[2])


def around(ns, ms):
  return (ms - 5) * MS <= ns < (ms + 3000) * MS  # nobody is early; how late, the machine decides


@test
def test_who_waited_for_what_and_who_ended_it():
  trace = Trace(traced(program("handoffs")).trace)
  expected = (
    ("locker", "pthread_mutex_lock", "sync", 60, "holder", "let_go"),
    ("reader_of_lock", "pthread_rwlock_rdlock", "sync", 60, "holder", "let_go"),
    ("cond_waiter", "pthread_cond_wait", "sync.(*Cond).Wait", 35, "turner", "take_turn"),
    ("sem_waiter", "sem_wait", "sync", 35, "turner", "post"),
    ("pipe_reader", "read", "Syscall", 35, None, None),
    ("poller", "poll", "network", 30, None, None),
    ("sleeper", "nanosleep", "sleep", 70, None, None),
  )
  for name, function, reason, ms, by, where in expected:
    wait = longest(trace.waits(name), function)
    assert wait[0] == reason and around(wait[2], ms) and wait[3] == by, (name, wait)
    assert where is None or where in wait[4], (name, wait)


@test
def test_joining_ends_with_the_thread():
  trace = Trace(traced(program("handoffs")).trace)
  wait = longest(trace.waits("main"), "pthread_join")
  assert wait[3] == "sleeper" and wait[2] > 0, wait


@test
def test_threads_and_who_created_them():
  trace = Trace(traced(program("handoffs")).trace)
  created = trace.changes(before="NotExist", after="Runnable")
  assert len(created) == 9
  for e in created:
    assert e.g == trace.of("main") and e.stack[-1] == "main", e
  assert {e.id for e in trace.changes(after="NotExist")} == {e.id for e in created}
  ms = {e.m for e in trace.events if e.g > 0}
  assert len(ms) == 10  # a thread is an M


@test
def test_one_runs_at_a_time_under_a_lock():
  trace = Trace(traced(program("churn"), "4").trace)
  kinds = {e.reason for e in trace.changes(after="Waiting")}
  assert {"sync", "sync.(*Cond).Wait"} <= kinds, kinds
  woken = [e for e in trace.changes(before="Waiting") if e.g != e.id and e.g > 0]
  assert len(woken) > 100  # by others


@test
def test_samples_of_the_cpu_profile():
  run = traced(program("churn"), "8", hz=1000)
  trace = Trace(run.trace)
  assert len(trace.samples()) == run.summary()["samples"]
  names = {f for e in trace.samples() for f in e.stack}
  assert "fighter" in names and all(e.g > 0 for e in trace.samples())


@test
def test_generations_of_a_second():
  trace = Trace(traced(program("churn"), "3", "long").trace)
  assert len(trace.syncs()) >= 4
  gaps = [b.time - a.time for a, b in zip(trace.syncs(), trace.syncs()[1:])]
  assert all(g < 4000 * MS for g in gaps), gaps


@test
def test_every_format():
  for version in ("1.22", "1.23", "1.25", "1.26"):
    run = traced(program("churn"), "3", flags=["-traceformat", version])
    with open(run.trace, "rb") as f:
      assert f.read(16) == b"go %s trace\0\0\0" % version.encode()
    assert len(Trace(run.trace).names()) == 34


@test
def test_a_killed_program():
  run = traced(program("churn"), "5", "kill", expect=-signal.SIGKILL)
  assert len(Trace(run.trace).names()) == 56


@test
def test_the_last_image_of_a_program():
  run = traced(program("churn"), "5", "exec")
  assert len(Trace(run.trace).names()) == 23


@test
def test_many_threads_at_once():
  trace = Trace(traced(program("churn"), "200").trace)
  assert len(trace.names()) == 2201


@test
def test_more_than_there_is_memory_for():
  run = traced(program("flood"), "4000000")
  missing = re.search(r"sonde run: (\d+) events are missing in it: the trace's memory was full", run.err)
  assert missing and int(missing.group(1)) > 500000, run.err
  assert "main" in Trace(run.trace).names().values()


@test
def test_a_small_shm_is_left_to_others():
  path = os.path.join(WORK, "small.trace")
  script = "mount -t tmpfs -o size=16m tmpfs /dev/shm && exec %s run -trace %s %s 1000000" % (SONDE, path, program("flood"))
  for unshare in (["unshare", "-m"], ["unshare", "-rm"]):
    done = subprocess.run([*unshare, "sh", "-c", script], capture_output=True, text=True)
    if "events are missing" in done.stderr:
      kept = int(re.search(r"(\d+) events,", done.stderr).group(1))
      assert 10000 < kept < (16 << 20) / 4 / 40, done.stderr
      assert Trace(path).names()
      return
  raise Skip("no mounts of one's own here: " + done.stderr.strip())


@test
def test_from_inside_over_and_over():
  folder = tempfile.mkdtemp(dir=WORK)
  subprocess.run([program("inside"), folder], check=True, timeout=120)
  assert len(os.listdir(folder)) == 21
  for name in os.listdir(folder):
    trace = Trace(os.path.join(folder, name))
    if name == "child.trace":
      continue
    names = list(trace.names().values())
    assert names.count("patient") == 1 and names.count("breed") == 6, names
    patient = trace.of("patient")
    changes = trace.changes(id=patient)  # its wait began before anybody recorded waits
    assert [e.after for e in changes] == ["Syscall"] and "pthread_mutex_lock" in changes[0].their_stack, changes
    assert trace.waits("main"), name


def notes(trace, kind):
  """What the program said itself: [(function that the thread runs, {field: value}, stack)]."""
  names, out = trace.names(), []
  for e in trace.events:
    if e.kind == kind:
      fields = {k: json.loads(v) for k, v in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|-?\d+)', e.rest)}
      out.append((names.get(e.g), fields, e.stack))
  return out


def check_annotated(trace):
  tasks = notes(trace, "TaskBegin")
  orders = [f["ID"] for who, f, _ in tasks if f["Type"] == "order" and who == "main"]
  parts = {f["ID"]: f["Parent"] for who, f, _ in tasks if f["Type"] == "part" and who == "work"}
  assert len(tasks) == 6 and len(set(orders)) == 3 and sorted(parts.values()) == sorted(orders), tasks
  ended = [f["ID"] for who, f, _ in notes(trace, "TaskEnd") if who == "work"]
  assert sorted(ended) == sorted(orders + list(parts)), ended
  begun, closed = notes(trace, "RegionBegin"), notes(trace, "RegionEnd")
  for kind, of, function in (("parse", parts, "parse"), ("lex", parts, "parse"), ("price", orders, "work")):
    for all_of_them in (begun, closed):
      found = [(who, f["Task"], stack[0]) for who, f, stack in all_of_them if f["Type"] == kind]
      assert sorted(found) == sorted(("work", task, function) for task in of), (kind, found)
  logs = notes(trace, "Log")
  assert {f["Message"] for _, f, _ in logs if f["Category"] == "bytes"} == {"117"}
  prices = [(f["Task"], f["Message"], stack[0]) for _, f, stack in logs if f["Category"] == "price"]
  assert sorted(prices) == sorted((task, "12.05 for order 3", "price") for task in orders), prices
  misused = [(f["Type"], stack[0]) for _, f, stack in closed if f["Type"] in ("outer", "inner")]
  assert misused == [("inner", "misuse"), ("outer", "misuse")], misused
  long_words = [f for _, f, _ in logs if f["Category"].startswith("begin") or f["Category"] == "long"]
  assert [f["Message"] for f in long_words] == ["begin" + 1019 * "x"] * 2 and len(long_words[0]["Category"]) == 1024
  assert [f["Message"] for _, f, _ in logs if f["Category"] == "i"] == [str(i) for i in range(2000)]
  assert [f["Type"] for _, f, _ in begun].count("loop") == 2000 == [f["Type"] for _, f, _ in closed].count("loop")


@test
def test_what_the_program_says_itself():
  check_annotated(Trace(traced(program("annotate")).trace))


@test
def test_what_the_program_says_from_inside():
  path = os.path.join(tempfile.mkdtemp(dir=WORK), "trace.out")
  subprocess.run([program("annotate"), path], check=True, timeout=120)
  trace = Trace(path)
  check_annotated(trace)
  assert not [f for _, f, _ in notes(trace, "RegionEnd") if f["Type"] == "before"]


@test
def test_a_program_under_sonde_run_does_not_start_another():
  run = traced(program("inside"), tempfile.mkdtemp(dir=WORK), expect=1)
  assert "sonde_trace_start" in run.err, run.err
  assert Trace(run.trace).names()


class Served:
  def __init__(self, *args):
    self.process = subprocess.Popen([SONDE, "run", "-http", "localhost:0", "-o", os.path.join(WORK, "served.pb.gz"), "--", *args],
                                    stderr=subprocess.PIPE, text=True)
    self.port = int(re.search(r":(\d+)/", self.process.stderr.readline()).group(1))

  def ask(self, path):
    return ask(self.port, path)

  def trace(self, path):
    status, headers, body = self.ask(path)
    assert status == 200 and headers["Content-Type"] == "application/octet-stream", (status, body)
    with tempfile.NamedTemporaryFile(dir=WORK, delete=False) as file:
      file.write(body)
    return Trace(file.name)

  def __enter__(self):
    return self

  def __exit__(self, *why):
    self.process.terminate()
    self.process.communicate()


@test
def test_over_http():
  with Served(program("churn"), "4", "forever") as served:
    for _ in range(3):
      begun = time.monotonic()
      trace = served.trace("trace?seconds=0.3")
      assert time.monotonic() - begun > 0.3
      lasted = trace.events[-1].time - trace.events[0].time
      assert 200 * MS < lasted < 4000 * MS, lasted
      assert "breeder" in trace.names().values() and "main" in trace.names().values(), trace.names()
    status, _, body = served.ask("trace?format=1.24")
    assert status == 400 and b"1.22" in body, body


@test
def test_over_http_one_at_a_time():
  with Served(program("churn"), "4", "forever") as served:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", "/debug/pprof/trace?seconds=600")
    time.sleep(1)
    status, headers, body = served.ask("trace?seconds=1")
    assert status == 500 and body == b"Could not enable tracing: tracing is already enabled\n", body
    assert headers["X-Go-Pprof"] == "1"
    connection.close()  # whose trace nobody waits for
    while served.ask("trace?seconds=0.1")[0] == 500:
      pass


@test
def test_of_a_benchmark():
  folder = tempfile.mkdtemp(dir=WORK)
  with open(os.path.join(folder, "lock_bench.c"), "w") as f:
    f.write("#include <pthread.h>\n#include <sonde/bench.h>\nstatic pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;\nstatic int n;\n"
            "static void body(struct bench_pb *pb, void *arg)\n{\n\twhile (pb_next(pb)) {\n\t\tpthread_mutex_lock(&m);\n\t\t"
            "for (int i = 0; i < 1000; i++)\n\t\t\tbench_keep(n += i);\n\t\tpthread_mutex_unlock(&m);\n\t}\n}\n"
            "BENCH(Lock) { bench_run_parallel(b, body, NULL); }\n")
  flags = ["-bench=.", "-benchtime=2000x", "-cpu=3"]
  subprocess.run([SONDE, "bench", *flags, "-trace=one.out", "."], cwd=folder, check=True, capture_output=True)
  subprocess.run([SONDE, "bench", "-c", "-o", "lock.bench", "."], cwd=folder, check=True, capture_output=True)
  test_flags = [f.replace("-", "-test.", 1) for f in flags]
  done = subprocess.run(["./lock.bench", *test_flags, "-test.trace=no.out"], cwd=folder, capture_output=True, text=True)
  assert done.returncode == 2 and "-lsonde" in done.stderr and not os.path.exists(os.path.join(folder, "no.out")), done
  subprocess.run(["./lock.bench", *test_flags, "-test.trace=two.out"], cwd=folder, check=True, capture_output=True,
                 env={**os.environ, "LD_PRELOAD": LIBSONDE})
  for name in ("one.out", "two.out"):
    trace = Trace(os.path.join(folder, name))
    assert {e.reason for e in trace.changes(after="Waiting")} >= {"sync"}, name


@test
def test_without_the_library_that_names_functions():
  alone = tempfile.mkdtemp(dir=WORK)
  shutil.copy(LIBSONDE, alone)
  done = subprocess.run([program("inside"), alone], capture_output=True, text=True,
                        env={**os.environ, "LD_LIBRARY_PATH": alone, "LD_PRELOAD": os.path.join(alone, "libsonde.so")})
  assert done.returncode == 1 and os.listdir(alone) == ["libsonde.so"], (done, os.listdir(alone))


@test
def test_refusals():
  for flags, words in ((["-traceformat", "1.24"], "the version of Go is 1.22, 1.23, 1.25 or 1.26"),
                       (["-traceformat", ""], "the version of Go is")):
    done = subprocess.run([SONDE, "run", "-trace", os.path.join(WORK, "no"), *flags, "true"], capture_output=True, text=True)
    assert done.returncode == 2 and words in done.stderr, done
  done = subprocess.run([SONDE, "run", "-trace", "/no/such/place", "true"], capture_output=True, text=True)
  assert done.returncode == 1 and "/no/such/place" in done.stderr, done


@test
def test_go_reads_the_same():
  if not shutil.which("go") or subprocess.run(["go", "tool", "trace", "-h"], capture_output=True, text=True).stderr.find("-d=") < 0:
    raise Skip("no go tool trace with -d")
  for args in (["handoffs"], ["annotate"], ["churn", "6"], ["churn", "3", "long"], ["churn", "20", "kill"]):
    path = traced(program(args[0]), *args[1:], expect=None).trace
    assert dump(path) == dump(path, command=("go", "tool", "trace")), args
    sync = subprocess.run(["go", "tool", "trace", "-pprof=sync", path], capture_output=True, check=True)
    assert sync.stdout[:2] == b"\x1f\x8b"


main()
