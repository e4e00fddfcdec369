#!/usr/bin/env python3
"""Holds every #include of src/ to the arrows of ARCHITECTURE.md.

A layer may include its own headers, its allowed layers' front headers (src/LAYER/LAYER.h, and what
those pull in for base and pprof, whose parts are public inside the project), and include/sonde/.
Cycles cannot arise: the table below is checked to be acyclic.
"""
import os
import re
import sys

ARROWS = {
  "base": [],
  "sig": [],
  "unwind": ["sig"],
  "pprof": ["base"],
  "benchfmt": ["base"],
  "gotrace": ["base"],
  "tracer": ["base", "pprof", "symbolize", "gotrace", "agent"],
  "bench": ["base"],
  "object": ["base"],
  "symbolize": ["base", "object", "pprof"],
  "report": ["base", "pprof", "symbolize", "object"],
  "http": ["base"],
  "web": ["base", "http", "report", "benchfmt", "pprof", "symbolize", "object"],
  "live": ["base", "http", "pprof", "symbolize", "agent", "tracer"],
  "server": ["live", "http", "tracer", "symbolize", "agent", "sig", "base"],
  "agent": ["sig", "unwind", "base", "pprof"],
  "cli": ["base", "sig", "unwind", "pprof", "benchfmt", "gotrace", "object", "symbolize", "report", "http",
          "web", "agent", "live", "tracer", "bench"],
}
# Files of the agent that run in a signal handler or a hook: they may not touch base or pprof.
EXPORT_FILES = re.compile(r"agent/(export|report|http)[^/]*\.[ch]$")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def acyclic():
  done, path = set(), []

  def visit(layer):
    if layer in path:
      sys.exit("arrows form a cycle: " + " -> ".join(path + [layer]))
    if layer in done:
      return
    path.append(layer)
    for to in ARROWS[layer]:
      visit(to)
    path.pop()
    done.add(layer)

  for layer in ARROWS:
    visit(layer)


def check(root, rel, bad):
  layer = rel.split("/")[1]
  for number, text in enumerate(open(os.path.join(root, rel), encoding="utf-8"), 1):
    match = INCLUDE.match(text)
    if not match:
      continue
    target = match.group(1)
    to = target.split("/")[0]
    if to == "sonde" or "/" not in target:
      continue
    place = "%s:%d" % (rel, number)
    if to not in ARROWS:
      bad.append("%s: includes \"%s\", which is in no layer" % (place, target))
    elif to == layer:
      continue
    elif to not in ARROWS[layer]:
      bad.append("%s: %s may not include %s" % (place, layer, to))
    elif layer == "agent" and to in ("base", "pprof") and not EXPORT_FILES.search(rel):
      bad.append("%s: only the agent's export files may include %s" % (place, to))
    elif target != "%s/%s.h" % (to, to):
      bad.append("%s: includes \"%s\"; the front header is %s/%s.h" % (place, target, to, to))


def main():
  root = sys.argv[1]
  acyclic()
  bad, seen = [], 0
  for folder, dirs, files in os.walk(os.path.join(root, "src")):
    for name in files:
      if name.endswith((".c", ".h", ".S")):
        rel = os.path.relpath(os.path.join(folder, name), root)
        if rel.split("/")[1] not in ARROWS:
          bad.append("%s: src/%s is not a layer" % (rel, rel.split("/")[1]))
          continue
        seen += 1
        check(root, rel, bad)
  for line in bad:
    print(line)
  print("%d files, %d breaches" % (seen, len(bad)))
  return 1 if bad or not seen else 0


sys.exit(main())
