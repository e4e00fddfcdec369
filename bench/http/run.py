"""How long does the heap profile of a million sampled live blocks take over HTTP, and how long is the program held up by it?
python3 run.py BUILD prints a table: of `sonde run -http` and of the server inside the program, with few stacks and many. Beside each
request the program is watched for as long without one."""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BUILD = os.path.abspath(sys.argv[1])
SONDE, BLOCKS = os.path.join(BUILD, "sonde"), os.path.join(BUILD, "bench/http/bench_http_blocks")
WORK = tempfile.mkdtemp(prefix="bench-http-")
N, ROUNDS = 1000000, 7


class Program:
  def __init__(self, bits, inside):
    before = [] if inside else [SONDE, "run", "-http=localhost:0", "-heaprate", "1", "--"]
    self.run = subprocess.Popen([*before, BLOCKS, str(N), str(bits), *(["0"] if inside else [])], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=WORK)
    port = None if inside else re.search(r":(\d+)/debug", self.run.stderr.readline()).group(1)
    said = self.run.stdout.readline().strip()
    self.url = "http://localhost:%s/debug/pprof/heap" % (port or said)

  def pauses(self):
    """Longest and 99.99th percentile, us, since the last call."""
    self.run.stdin.write("\n")
    self.run.stdin.flush()
    return tuple(map(float, self.run.stdout.readline().split()))

  def ask(self):
    """Seconds to the first byte and to the last, and bytes."""
    began = time.monotonic()
    with urllib.request.urlopen(self.url) as answer:
      first = answer.read(1)
      got = time.monotonic() - began
      n = len(first) + len(answer.read())
    return got, time.monotonic() - began, n

  def end(self):
    self.run.communicate()


def study(bits, inside):
  program = Program(bits, inside)
  asks, quiet, asked = [], [], []
  for _ in range(ROUNDS):
    program.pauses()
    asks.append(program.ask())
    asked.append(program.pauses())
    time.sleep(asks[-1][1])
    quiet.append(program.pauses())
  program.end()

  def of(numbers, digits):
    return "%.*f (%.*f)" % (digits, statistics.median(numbers), digits, max(numbers))

  print("| %s, %d stacks | %s | %s | %d | %s | %s | %s | %s |" % (
    "in the program" if inside else "`sonde run -http`", 2**bits, of([a[0] for a in asks], 3), of([a[1] for a in asks], 3),
    asks[-1][2] / 1024, of([p[0] / 1000 for p in asked], 2), of([p[0] / 1000 for p in quiet], 2), of([p[1] for p in asked], 0),
    of([p[1] for p in quiet], 0)), flush=True)


print("| | first byte, s: median (worst) | all, s | KiB | longest pause of the program, ms | the same unasked | its 99.99th percentile, us | unasked |")
print("|---|---|---|---|---|---|---|---|")
for shape in ((12, False), (16, False), (12, True), (16, True)):
  study(*shape)
