#!/usr/bin/env python3
"""How long the goroutine profile of many threads takes, from the request to the whole answer, in all its forms.

run.py BUILD [REQUESTS] leaves bench-out/threads.md. The program (tests/agent/run/programs/parked.c) has so many
threads on a condition variable, one in poll, one that spins. The first request, which reads the debugging
information, is told apart. Beside it, in the same run: gdb's `thread apply all bt`, what people do now, which
stops the program meanwhile.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

BUILD = os.path.abspath(sys.argv[1])
REQUESTS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
FORMS = ("goroutine", "goroutine?debug=1", "goroutine?debug=2", "goroutine?format=json")


def ask(url):
  began = time.monotonic()
  with urllib.request.urlopen(url, timeout=60) as answer:
    size = len(answer.read())
  return (time.monotonic() - began) * 1000, size


def child_of(pid):
  with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
    return int(f.read().split()[0])


def gdb(pid):
  if not shutil.which("gdb"):
    return "no gdb here"
  began = time.monotonic()
  subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt"], stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
  return "%.0f" % ((time.monotonic() - began) * 1000)


def measure(threads):
  cmd = [os.path.join(BUILD, "sonde"), "run", "-http=localhost:0", "--", os.path.join(BUILD, "bench/threads/bench_threads_parked"),
         str(threads), "600"]
  run = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
  url = re.search(r"serving (\S+)", run.stderr.readline()).group(1)
  run.stdout.readline()
  first = ask(url + FORMS[0])[0]
  lines = []
  for form in FORMS:
    seen = [ask(url + form) for _ in range(REQUESTS)]
    times = [t for t, _ in seen]
    lines.append("| %d | `%s` | %.1f (%.1f–%.1f) | %.0f |" % (threads, form, statistics.median(times), min(times), max(times),
                                                           seen[-1][1] / 1024))
  lines.append("| %d | the first request | %.1f | |" % (threads, first))
  lines.append("| %d | gdb, all threads | %s | |" % (threads, gdb(child_of(run.pid))))
  os.kill(child_of(run.pid), 9)
  run.communicate()
  return lines


def main():
  lines = ["| threads | what | ms, median of %d (least–most) | KiB |" % REQUESTS, "|---|---|---|---|"]
  for threads in (1000, 10000):
    lines += measure(threads)
  os.makedirs("bench-out", exist_ok=True)
  with open("bench-out/threads.md", "w") as out:
    out.write("\n".join(lines) + "\n")
  print("\n".join(lines))


main()
