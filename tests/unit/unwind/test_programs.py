#!/usr/bin/env python3
"""Walks inside programs nobody here wrote, held against libgcc's from the same signal.

test_programs.py shim.so: preloads the shim into each program that is installed.
"""
import os
import shutil
import subprocess
import sys
import tempfile

PYTHON = """
import json, re, hashlib, zlib, random, decimal, itertools, collections, struct
random.seed(1)
for round in range(60):
  d = {str(i): [random.random() for _ in range(20)] for i in range(300)}
  s = json.dumps(d, sort_keys=True)
  json.loads(s)
  re.sub(r"(\\d+)\\.(\\d)", r"\\2.\\1", s)
  hashlib.sha256(zlib.compress(s.encode())).hexdigest()
  sorted(d.items(), key=lambda kv: sum(kv[1]))
  decimal.Decimal(2).sqrt(decimal.Context(prec=200))
"""
SQL = ("create table t(a integer primary key, b text);"
       "with recursive c(x) as (select 1 union all select x+1 from c where x<1000000)"
       " insert into t select x, hex(x*7919) from c;"
       "select count(*), max(b) from t where b like '%A%' group by a%7 order by 2;"
       "create index i on t(b); select sum(length(b)) from t;")
PROGRAMS = [
  ("python3", ["-c", PYTHON]),
  ("sqlite3", [":memory:", SQL]),
  ("perl", ["-e", 'my %h; for my $i (1..9000000) { $h{$i % 5000} .= chr(65 + $i % 26); } '
            'my $n = 0; for (sort values %h) { $n++ while /A.*?B/g; } print "$n\\n";']),
]


def main():
  shim = os.path.abspath(sys.argv[1])
  print("1..%d" % len(PROGRAMS))
  for number, (program, args) in enumerate(PROGRAMS, 1):
    path = shutil.which(program)
    if not path:
      print("ok %d - %s # SKIP not installed" % (number, program))
      continue
    with tempfile.TemporaryDirectory() as folder:
      out = os.path.join(folder, "totals")
      env = dict(os.environ, LD_PRELOAD=shim, SONDE_SHIM_OUT=out, SONDE_TEST_VERBOSE="1")
      done = subprocess.run([path] + args, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
      totals = [int(n) for n in open(out).read().split()] if os.path.exists(out) else []
    if done.returncode or len(totals) != 5:
      print("not ok %d - %s: exit %d, totals %s" % (number, program, done.returncode, totals))
      continue
    samples, identical, further, different, rooted = totals
    # Hundreds of thousands, but on a busy machine the thread that asks for them hardly runs.
    # One in a million falls where the tables are wrong by an instruction, and the two guess differently.
    good = samples >= 20 and different * 100000 <= samples and rooted * 1000 >= samples * 995
    print("%s %d - %s: %d samples, %d identical, %d further, %d different, %d to the root" %
          ("ok" if good else "not ok", number, program, samples, identical, further, different, rooted))
    if different:
      print("".join("# " + line + "\n" for line in done.stderr.decode(errors="replace").split("\n")))


main()
