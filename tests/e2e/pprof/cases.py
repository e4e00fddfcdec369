#!/usr/bin/env python3
"""What google/pprof's pages say, and ours say as well: the web group of the shared cases. TAP.

  cases.py SONDE SHARED      SHARED: the folder with the cases; without it all is skipped

Flame graphs are compared as stacks with values, tables row by row, peek and errors as text, the
rest by status, redirection and the settings that are left behind.
"""
import html
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import check, finish

SONDE = os.path.abspath(sys.argv[1])
CASES = os.path.join(sys.argv[2], "cases/pprof")
TMP = tempfile.mkdtemp()
SETTINGS = os.path.join(TMP, ".config/pprof/settings.json")
ENV = {"PATH": os.environ["PATH"], "HOME": TMP, "TZ": "UTC"}


class Server:
  def __init__(self, profile):
    self.process = subprocess.Popen([SONDE, "pprof", "-symbolize=none", "-no_browser", "-http=localhost:", profile],
                                    stderr=subprocess.PIPE, env=ENV, text=True, cwd=CASES)
    for line in self.process.stderr:
      if "Serving" in line:
        break
    self.port = int(line.split()[-1].rsplit(":", 1)[1])

  def get(self, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body

  def stop(self):
    self.process.send_signal(signal.SIGINT)
    self.process.wait(timeout=30)


def go_stacks(stacks):
  """Values by stack; a frame is its name and whether it was inlined. The root is left out."""
  out = {}
  for stack in stacks["Stacks"]:
    frames = [stacks["Sources"][i] for i in stack["Sources"][1:]]
    key = tuple((f["FullName"], bool(f["Inlined"])) for f in frames)
    out[key] = out.get(key, 0) + stack["Value"]
  return {k: v for k, v in out.items() if v}


# Frames without a function: google/pprof's graph leaves them out, ours names their object.
NO_FUNCTION = re.compile(r"^([0-9a-f]{16} ?)?(\[.*\])?$|^([0-9a-f]{16} )?<unknown>$")


def our_stacks(data):
  out, path = {}, []
  for i, depth in enumerate(data["depth"]):
    del path[depth:]
    path.append((data["names"][data["name"][i]], bool(data["inlined"][i])))
    value = data["self"][data["type"]][i]
    key = tuple(frame for frame in path[1:] if not NO_FUNCTION.match(frame[0]))
    out[key] = out.get(key, 0) + value
  return {k: v for k, v in out.items() if v}


def compare_flame(name, body, golden):
  data = re.search(rb'<script type="application/json" id="data">(.*?)</script>', body, re.S)
  ours, theirs = our_stacks(json.loads(data.group(1))), go_stacks(golden["stacks"])
  check(name, ours == theirs, (sorted(set(ours.items()) - set(theirs.items()))[:3], sorted(set(theirs.items()) - set(ours.items()))[:3]))


def compare_top(name, body, golden):
  rows = re.findall(rb'<tr><td>([^<]*)<td>[^<]*<td>([^<]*)<td>[^<]*<td><a href="[^"]*">([^<]*)</a> ([^\n<]*)', body)
  ours = [tuple(html.unescape(cell.decode()) for cell in row) for row in rows]
  theirs = [(r["FlatFormat"], r["CumFormat"], r["Name"], r["InlineLabel"]) for r in golden["top"] or []]
  check(name, ours == theirs, [(a, b) for a, b in zip(ours, theirs) if a != b][:3] or (len(ours), len(theirs)))


def compare_peek(name, body, golden):
  def lines(text):
    return [line.rstrip() for line in html.unescape(text).strip().split("\n")]
  ours, theirs = lines(re.search(r"<pre[^>]*>(.*)</pre>", body.decode(), re.S).group(1)), lines(golden["pre"])
  start = next(i for i, line in enumerate(theirs) if line.startswith("Showing nodes"))
  ours = ours[next(i for i, line in enumerate(ours) if line.startswith("Showing nodes")):]
  check(name, ours == theirs[start:], [(a, b) for a, b in zip(ours, theirs[start:]) if a != b][:3])


COMPARE = {"stacks": compare_flame, "top": compare_top, "pre": compare_peek}


def compare_status(name, case, response, body):
  """Pages differ in length, and redirections of ours name the whole path."""
  want = case.get("location")
  got = response.headers["Location"]
  if want and got:
    want, got = (("/ui/" + want) if want[0] != "/" else want).rstrip("/"), got.rstrip("/")
  check(name, response.status == case["status"] and got == want, (response.status, response.headers["Location"], body[:200]))
  text = case.get("body") or ""
  if response.status == 400:
    check(name + ": the message", body.decode() == text, (body, text))
  if case.get("settings"):
    with open(SETTINGS) as f:
      check(name + ": the settings", f.read() == case["settings"])


PARAMETERS = {"nodecount": "n", "focus": "f", "granularity": "g"}


def save_as(server, settings):
  """Saves what the settings of a case hold over their defaults."""
  for config in json.loads(settings)["configs"]:
    parameters = "".join("&%s=%s" % (PARAMETERS[k], v) for k, v in config.items() if k in PARAMETERS)
    server.get("/ui/saveconfig?config=%s%s" % (config["name"], parameters), "POST")


def run(server, case):
  if case.get("settings"):
    save_as(server, case["settings"])
  method = case.get("method", "GET")
  path = case["path"]
  response, body = server.get(path, method)
  name = "%s %s %s" % (case["input"], method, path)
  golden = case.get("golden")
  if not golden or response.status != case["status"]:
    return compare_status(name, case, response, body)
  with open(os.path.join(CASES, golden)) as f:
    expected = json.load(f)
  kind = next(k for k in COMPARE if k in expected)
  COMPARE[kind](name, body, expected)


def main():
  if not os.path.isdir(CASES):
    print("1..0 # SKIP the shared cases are not here")
    return 0
  with open(os.path.join(CASES, "web-cases.jsonl")) as f:
    cases = [json.loads(line) for line in f]
  inputs = list(dict.fromkeys(case["input"] for case in cases))
  for name in inputs:
    server = Server(name)
    for case in cases:
      if case["input"] != name or (case["path"].startswith("/ui/graph") and not shutil.which("dot")):
        continue
      run(server, case)
    server.stop()
  return finish()


sys.exit(main())
