"""The goroutine profile thread by thread: what each waits for, who has it, who created it, deadlocks."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, Skip, main, program, test  # noqa: E402

# The program's threads: state, what is waited for, and who has it.
THREADS = {
  "stuck": ("waiting", "read", None),
  "starter": ("waiting", "join", "cross-b"),
  "cross-a": ("waiting", "mutex", "cross-b"),
  "cross-b": ("waiting", "mutex", "cross-a"),
  "ring-0": ("waiting", "rwlock read", "ring-1"),
  "ring-1": ("waiting", "mutex", "ring-2"),
  "ring-2": ("waiting", "rwlock write", "ring-0"),
  "twice": ("waiting", "mutex", "twice"),
  "holder": ("waiting", "sleep", None),
  "wants": ("waiting", "mutex", "holder"),
  "joins": ("waiting", "join", "holder"),
  'reads "it"': ("waiting", "read", None),
  "unseen": ("syscall", None, None),
  "runs": ("running", None, None),
}
# What each begins with; of libc's own functions below it the names may be in another package.
BEGINS = {"starter": "start_crossed", "cross-a": "cross_locks", "cross-b": "cross_locks", "ring-0": "ring_of_three",
          "ring-1": "ring_of_three", "ring-2": "ring_of_three", "twice": "lock_twice", "holder": "hold_and_sleep",
          "wants": "want_slow", "joins": "join_slow", 'reads "it"': "read_tube", "unseen": "wait_unseen", "runs": "run_on",
          "stuck": "main"}
CYCLES = [{"cross-a", "cross-b"}, {"ring-0", "ring-1", "ring-2"}, {"twice"}]


class Stuck:
  """The program under `sonde run`; with flags, and its server."""

  def __init__(self, *flags, cmd="stuck", want=THREADS):
    self.want = want
    self.run = subprocess.Popen([SONDE, "run", "-http=localhost:0", *flags, "--", program(cmd)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    self.url = re.search(r"serving (\S+)", self.run.stderr.readline()).group(1)
    assert self.run.stdout.readline() == "ready\n"

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.end()

  def end(self):
    out, err = self.run.communicate(timeout=60)
    assert self.run.returncode == 0, err
    return err

  def get(self, query):
    with urllib.request.urlopen(self.url + query, timeout=60) as answer:
      return answer.read().decode()

  def settled(self):
    """The threads by name, once all have come where they stay."""
    deadline = time.monotonic() + 30
    while True:
      told = json.loads(self.get("goroutine?format=json"))
      by_name = {t["name"]: t for t in told["threads"]}
      if {name: does(by_name, t) for name, t in by_name.items()} == self.want or time.monotonic() > deadline:
        return told, by_name


def does(by_name, thread):
  names = {t["id"]: name for name, t in by_name.items()}
  wait = thread.get("wait", {})
  return thread["state"], wait.get("for"), names.get(wait.get("owner"))


@test
def test_each_thread():
  with Stuck() as stuck:
    told, by_name = stuck.settled()
    assert {name: does(by_name, t) for name, t in by_name.items()} == THREADS
    main_id = by_name["stuck"]["id"]
    assert told["pid"] == main_id and told["program"] == os.path.realpath(program("stuck")) and told["silent"] == 0
    names = {t["id"]: name for name, t in by_name.items()}
    assert sorted(map(sorted, ([names[t] for t in cycle] for cycle in told["deadlocks"]))) == sorted(map(sorted, CYCLES))
    for name, t in by_name.items():
      functions = [f.get("function") for f in t["frames"]]
      assert BEGINS[name] in functions and len(functions) > functions.index(BEGINS[name]) + 2, (name, functions)
      creator = t.get("created_by")
      assert name == "stuck" or creator["id"] == by_name["starter" if "cross" in name else "stuck"]["id"], (name, creator)
      assert name == "stuck" or "start" == creator["frames"][0]["function"], creator
      assert "stuck.c" in json.dumps(t["frames"])
    assert by_name['reads "it"']["wait"]["fd"] >= 3
    first = by_name["holder"]["wait"]["seconds"]
    second = stuck.settled()[1]["holder"]["wait"]["seconds"]
    assert 0 < first < second <= by_name["holder"]["age_seconds"] + 60


KINDS = {name: ("waiting", name, None) for name in (
  "cond", "semaphore", "poll", "write", "recv", "send", "accept", "connect", "flock", "child", "signal", "barrier")}
KINDS.update({"kinds": ("waiting", "read", None), "once": ("waiting", "once", None), "in-once": ("waiting", "semaphore", None)})
WITH_FD = {"write", "recv", "send", "accept", "connect", "flock", "kinds"}


@test
def test_each_kind_of_wait():
  with Stuck(cmd="kinds", want=KINDS) as kinds:
    by_name = kinds.settled()[1]
    text = kinds.get("goroutine?debug=2")
  assert {name: does(by_name, t) for name, t in by_name.items()} == KINDS
  assert {name for name, t in by_name.items() if "fd" in t["wait"]} == WITH_FD
  assert by_name["barrier"]["labels"] == {"tenant": "acme", "phase": "barrier"}
  assert by_name["once"]["labels"] == {"tenant": "acme"}
  assert all(not t["labels"] for name, t in by_name.items() if name not in ("barrier", "once"))
  assert re.search(r'^# thread %d "barrier".*; labels \{"phase": "barrier", "tenant": "acme"\}$' % by_name["barrier"]["id"], text, re.M)
  heads = dict(re.findall(r"^goroutine (\d+) \[([^\]]+)\]:$", text, flags=re.M))
  for name in ("accept", "connect", "recv", "send", "write"):
    assert heads[str(by_name[name]["id"])] == "IO wait", (name, heads)


@test
def test_as_go_prints_them():
  with Stuck() as stuck:
    by_name = stuck.settled()[1]
    text = stuck.get("goroutine?debug=2")
  heads = dict(re.findall(r"^goroutine (\d+) \[([^\]]+)\]:\n(\S+)\(\.\.\.\)\n\t", text, flags=re.M) and
               [(m[0], m[1]) for m in re.findall(r"^goroutine (\d+) \[([^\]]+)\]:$", text, flags=re.M)])
  want = {"cross-a": "sync.Mutex.Lock", "ring-0": "sync.RWMutex.RLock", "ring-2": "sync.RWMutex.Lock", "holder": "sleep",
          "joins": "join", 'reads "it"': "IO wait", "unseen": "syscall", "runs": "running"}
  assert {name: heads[str(by_name[name]["id"])] for name in want} == want, heads
  assert len(heads) == len(THREADS)
  assert "created by start in goroutine %d\n\t" % by_name["starter"]["id"] in text
  assert '# thread %d "wants"' % by_name["wants"]["id"] in text
  assert "held by thread %d" % by_name["holder"]["id"] in text
  assert len(re.findall(r"^# deadlock: ", text, flags=re.M)) == len(CYCLES), text[:500]


PARSER = """package main
import ("fmt"; "io"; "os"; "github.com/maruel/panicparse/v2/stack")
func main() {
	s, _, err := stack.ScanSnapshot(os.Stdin, io.Discard, stack.DefaultOpts())
	if s == nil { panic(err) }
	for _, g := range s.Goroutines { fmt.Println(g.ID, g.State, len(g.Stack.Calls), g.Stack.Calls[0].Func.Complete, len(g.CreatedBy.Calls)) }
}
"""


@test
def test_a_parser_of_gos_dumps():
  if not shutil.which("go"):
    raise Skip("no go on this machine")
  where = os.path.join(WORK, "parser")
  os.makedirs(where, exist_ok=True)
  with open(where + "/main.go", "w") as f:
    f.write(PARSER)
  env = {**os.environ, "GOFLAGS": "-mod=mod"}
  for cmd in (["go", "mod", "init", "parser"], ["go", "get", "github.com/maruel/panicparse/v2@v2.5.0"], ["go", "build", "-o", "parse"]):
    if subprocess.run(cmd, cwd=where, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
      raise Skip("panicparse could not be fetched")
  with Stuck() as stuck:
    by_name = stuck.settled()[1]
    text = stuck.get("goroutine?debug=2")
  text = re.sub(r"(?m)^(\t.+)\.[hS]:(\d+)$", r"\1.c:\2", text)  # it takes no file for one but .go, .c and .s
  parsed = subprocess.run([where + "/parse"], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
  got = {line.split()[0]: line.split(None, 1)[1] for line in parsed}
  assert got.keys() == {str(t["id"]) for t in by_name.values()}, parsed
  assert re.match(r"sleep \d+ nanosleep 1$", got[str(by_name["holder"]["id"])]), got


@test
def test_deadlocks_and_labels_in_the_other_text():
  with Stuck() as stuck:
    stuck.settled()
    text = stuck.get("goroutine?debug=1")
  assert text.startswith("goroutine profile: total %d\n# deadlock: " % len(THREADS)), text[:300]
  assert '# labels: {"wait": "mutex"}\n' in text


@test
def test_written_at_the_end():
  files = [os.path.join(WORK, "threads." + end) for end in ("pb.gz", "txt", "json")]
  for file in files:
    stuck = Stuck("-goroutine", file)
    stuck.settled()
    err = stuck.end()
    assert file in err, err
  assert Profile(files[0]).total(0) == len(THREADS)
  with open(files[1]) as f:
    assert len(re.findall(r"^goroutine \d+ \[", f.read(), flags=re.M)) == len(THREADS)
  with open(files[2]) as f:
    assert {t["name"] for t in json.load(f)["threads"]} == set(THREADS)


@test
def test_in_a_dump():
  where = os.path.join(WORK, "dumps")
  os.mkdir(where)
  with Stuck("-dumpdir", where) as stuck:
    stuck.settled()
    stuck.run.send_signal(signal.SIGUSR2)
    deadline = time.monotonic() + 30
    while not glob.glob(where + "/*/heap.pb.gz") and time.monotonic() < deadline:
      time.sleep(0.05)
  (text,) = glob.glob(where + "/*/goroutine.txt")
  with open(text) as f:
    assert len(re.findall(r"^# deadlock: ", f.read(), flags=re.M)) == len(CYCLES)
  (profile,) = glob.glob(where + "/*/goroutine.pb.gz")
  assert Profile(profile).total(0) == len(THREADS)


@test
def test_no_deadlock_where_locks_only_pass_from_hand_to_hand():
  """Snapshots of threads that wait for each other's locks all the time, in one order: never a cycle."""
  cmd = [SONDE, "run", "-http=localhost:0", "--", program("handover"), "4"]
  run = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  url = re.search(r"serving (\S+)", run.stderr.readline()).group(1)
  said = []
  drain = threading.Thread(target=lambda: said.append(run.stderr.read()))
  drain.start()
  asked = waiting = 0
  while run.poll() is None:
    try:
      with urllib.request.urlopen(url + "goroutine?format=json", timeout=60) as answer:
        told = json.loads(answer.read())
    except OSError:
      continue
    asked += 1
    waiting += sum("owner" in t.get("wait", {}) for t in told["threads"])
    assert told["deadlocks"] == [], told
  drain.join()
  print("# %d snapshots, %d waits for a lock with an owner" % (asked, waiting))
  assert run.returncode == 0 and asked > 0, said


main()
