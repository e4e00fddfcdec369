#!/usr/bin/env python3
"""Servers under load, unchanged, with every profiler on: their throughput beside that without, in one run.

run.py BUILD [SECONDS [ROUNDS [SERVER...]]] leaves bench-out/servers.md. Each round runs every server alone and
profiled, in a random order, SECONDS of load each; the load generators are redis-benchmark, wrk, pgbench and
memcaslap, and their own count of errors is shown. A server that is not installed is left out, and said.
"""
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
WANTED = sys.argv[4:]
SONDE = os.path.join(BUILD, "sonde")
OUT = tempfile.mkdtemp(prefix="sonde-bench-")
KINDS = ("heap", "block", "mutex", "threadcreate", "wall")


def free_port():
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    return s.getsockname()[1]


def profiled(*flags):
  profiles = [arg for kind in KINDS for arg in ("-" + kind, "%s/%s.pb.gz" % (OUT, kind))]
  return [SONDE, "run", "-o", OUT + "/cpu.pb.gz", *profiles, "-http=localhost:0", *flags, "--"]


def await_port(port):
  deadline = time.monotonic() + 30
  while time.monotonic() < deadline:
    with socket.socket() as s:
      if s.connect_ex(("127.0.0.1", port)) == 0:
        return
    time.sleep(0.05)
  sys.exit("the server did not come up")


def load(*cmd):
  return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


class Server:
  """One run: started, loaded, ended. `rate` and `errors` are what the load generator said."""
  needs = ()
  flags = ()
  rate = errors = 0

  def __init__(self):
    self.port = free_port()
    self.dir = tempfile.mkdtemp(dir=OUT)

  def run(self, is_profiled):
    self.prepare()
    log = open(os.path.join(self.dir, "log"), "w")
    server = subprocess.Popen((profiled(*self.flags) if is_profiled else []) + self.command(), stdout=log, stderr=log)
    try:
      await_port(self.port)
      self.load()
    finally:
      server.send_signal(self.end)
      status = server.wait(timeout=120)
    assert status in self.statuses, "the server ended with %d: see %s" % (status, log.name)
    return self.rate

  end, statuses = signal.SIGTERM, (0,)

  def prepare(self):
    pass


class Redis(Server):
  """SET and GET, 50 clients, 16 requests a packet."""
  needs = ("redis-server", "redis-benchmark")
  io_threads = "1"

  def command(self):
    return ["redis-server", "--port", str(self.port), "--save", "", "--io-threads", self.io_threads, "--dir", self.dir]

  def load(self):
    rates, began = [], time.monotonic()
    while time.monotonic() - began < SECONDS:
      said = load("redis-benchmark", "-p", str(self.port), "-t", "set,get", "-n", "400000", "-P", "16", "-q")
      rates += [float(x) for x in re.findall(r"([\d.]+) requests per second", said)]
      self.errors += said.count("Error")
    self.rate = statistics.mean(rates)


class RedisThreads(Redis):
  """The same with two threads for input and output, which spin and lock."""
  io_threads = "2"


class Nginx(Server):
  """A small file, wrk with 2 threads and 32 connections; two workers, profiled as well."""
  needs = ("nginx", "wrk")
  flags = ("-children",)

  def prepare(self):
    with open(self.dir + "/index.html", "w") as page:
      page.write("x" * 612)
    with open(self.dir + "/conf", "w") as conf:
      conf.write("daemon off; worker_processes 2; pid %s/pid; error_log %s/error;\nevents {}\n"
                 "http { access_log off; server { listen 127.0.0.1:%d; root %s; } }\n" %
                 (self.dir, self.dir, self.port, self.dir))
    os.chmod(OUT, 0o755)
    os.chmod(self.dir, 0o755)

  def command(self):
    return ["nginx", "-c", self.dir + "/conf", "-p", self.dir]

  def load(self):
    said = load("wrk", "-t2", "-c32", "-d%ds" % SECONDS, "http://127.0.0.1:%d/" % self.port)
    self.rate = float(re.search(r"Requests/sec: *([\d.]+)", said).group(1))
    self.errors += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", said)))
    self.errors += sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", said)))


class Postgres(Server):
  """pgbench's own transactions, 8 clients; every backend profiled."""
  needs = ("pgbench", "runuser")
  flags = ("-children",)
  end = signal.SIGINT

  def as_user(self, *cmd):
    return ["runuser", "-u", "postgres", "--", *cmd] if os.getuid() == 0 else list(cmd)

  @staticmethod
  def binary(name):
    return max([os.path.join(base, name) for base, _, files in os.walk("/usr/lib/postgresql") if name in files], default=None)

  def prepare(self):
    os.chmod(OUT, 0o777)
    os.chmod(self.dir, 0o777)
    load(*self.as_user(self.binary("initdb"), "-D", self.dir + "/data", "-A", "trust", "-U", "bench"))

  def command(self):
    return [self.binary("postgres"), "-D", self.dir + "/data", "-p", str(self.port), "-k", self.dir]

  def run(self, is_profiled):
    self.prepare()
    command = self.as_user(*(profiled(*self.flags) if is_profiled else []), *self.command())
    log = open(os.path.join(self.dir, "log"), "w")
    server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
      await_port(self.port)
      self.load()
    finally:
      with open(self.dir + "/data/postmaster.pid") as f:
        os.kill(int(f.readline()), signal.SIGINT)
      status = server.wait(timeout=300)
    assert status == 0, "the server ended with %d: see %s" % (status, log.name)
    return self.rate

  def load(self):
    where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench"]
    for _ in range(50):  # it listens before it takes anybody
      if subprocess.run(["pgbench", *where, "-i", "-q", "-s", "5", "postgres"], stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL).returncode == 0:
        break
      time.sleep(0.2)
    said = load("pgbench", *where, "-c", "8", "-j", "2", "-T", str(SECONDS), "postgres")
    self.rate = float(re.search(r"tps = ([\d.]+)", said).group(1))
    self.errors += int(re.search(r"failed transactions: (\d+)", said).group(1))


class Memcached(Server):
  """memcaslap's mix of 90 % get, 10 % set; four threads."""
  needs = ("memcached", "memcaslap")
  end = signal.SIGINT
  statuses = (0, 130, -2)

  def command(self):
    return ["memcached", "-p", str(self.port), "-U", "0", "-t", "4", "-l", "127.0.0.1", "-u", "root"]

  def load(self):
    said = load("memcaslap", "-s", "127.0.0.1:%d" % self.port, "-t", "%ds" % SECONDS, "-T", "2", "-c", "16")
    self.rate = float(re.search(r"TPS: (\d+)", said).group(1))
    self.errors += int(re.search(r"get_misses: (\d+)", said).group(1)) * 0 + int(
      re.search(r"verify_failed: (\d+)", said).group(1) if "verify_failed" in said else 0)


def there(server):
  missing = [name for name in server.needs if not shutil.which(name)]
  if missing:
    print("%s is left out: no %s here" % (server.__name__, ", ".join(missing)), file=sys.stderr)
  return not missing and (not WANTED or server.__name__ in WANTED)


def main():
  servers = [s for s in (Redis, RedisThreads, Nginx, Postgres, Memcached) if there(s)]
  rates = {(s, p): [] for s in servers for p in (False, True)}
  errors = dict.fromkeys(rates, 0)
  for _ in range(ROUNDS):
    for server, is_profiled in random.sample(list(rates), len(rates)):
      one = server()
      rates[server, is_profiled].append(one.run(is_profiled))
      errors[server, is_profiled] += one.errors
  lines = ["%d rounds of %d s each; profiled: cpu, %s, all at their default rates, and `-http`." % (ROUNDS, SECONDS, ", ".join(KINDS)), "",
           "| server | alone, a second | profiled | ratio (lowest–highest of a round) | errors |", "|---|---|---|---|---|"]
  for server in servers:
    alone, with_ = rates[server, False], rates[server, True]
    ratios = [b / a for a, b in zip(alone, with_)]
    lines.append("| %s: %s | %.0f | %.0f | %.2f (%.2f–%.2f) | %d, %d |" % (
      server.__name__, server.__doc__.rstrip("."), statistics.median(alone), statistics.median(with_),
      statistics.median(with_) / statistics.median(alone), min(ratios), max(ratios), errors[server, False], errors[server, True]))
  os.makedirs("bench-out", exist_ok=True)
  with open("bench-out/servers.md", "w") as out:
    out.write("\n".join(lines) + "\n")
  print("\n".join(lines))
  shutil.rmtree(OUT, ignore_errors=True)


main()
