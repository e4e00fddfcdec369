#!/usr/bin/env python3
"""What scripts ask of sonde pprof -http: flame.json, sandwich.json, export, saved configurations. TAP.

  data.py SONDE

The profile is made here, of folded stacks, so that every number can be summed up a second time.
"""
import gzip
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import xml.dom.minidom
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import check, finish

SONDE = os.path.abspath(sys.argv[1])
TMP = tempfile.mkdtemp()
ENV = {"PATH": os.environ["PATH"], "HOME": TMP, "TZ": "UTC"}
HOSTILE = "<script>alert(1)</script>&\"'\\"


class Server:
  def __init__(self, profile, env=ENV):
    self.process = subprocess.Popen([SONDE, "pprof", "-symbolize=none", "-no_browser", "-http=localhost:", profile],
                                    stderr=subprocess.PIPE, env=env, text=True)
    self.port = int(self.process.stderr.readline().split()[-1].rsplit(":", 1)[1])

  def get(self, path, method="GET", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body

  def json(self, path):
    response, body = self.get(path)
    return json.loads(body) if response.status == 200 else (response.status, body)

  def stop(self):
    self.process.send_signal(signal.SIGINT)
    return self.process.wait(timeout=30)


def write_folded(name, stacks):
  path = os.path.join(TMP, name)
  with open(path, "w") as f:
    f.writelines("%s %d\n" % (";".join(stack), value) for stack, value in stacks.items())
  return path


def small():
  return {("main", "a", "b"): 10, ("main", "a"): 3, ("main", "c", "a", "c"): 5, ("other", HOSTILE): 7,
          ("main", "c"): 2, ("main", "r", "r", "r", "b"): 4}


def large():
  """Wide, deep and thin: more frames than are sent, most of them lighter than the cut."""
  choice = random.Random(7)
  stacks = {}
  for i in range(60000):
    depth = choice.randrange(2, 12)
    stack = ["main"] + ["f%d" % min(int(choice.expovariate(0.05)), 900) for _ in range(depth)]
    stacks[tuple(stack)] = stacks.get(tuple(stack), 0) + choice.randrange(1, 50)
  for i in range(30000):
    stacks[("wide", "leaf%d" % i)] = 1
  return stacks


def frames(data):
  """Of each frame or "… more" shown: its path, index and total."""
  totals, path, out = list(data["self"][data["type"]]), [], []
  for i, depth in enumerate(data["depth"]):
    del path[depth:]
    path.append(i)
    out.append(tuple(data["names"][data["name"][k]] if data["name"][k] >= 0 else None for k in path))
    for k in path[:-1]:
      totals[k] += data["self"][data["type"]][i]
  return out, totals


def sums(stacks):
  """The whole tree by path, "all" first."""
  tree = {}
  for stack, value in stacks.items():
    for n in range(len(stack) + 1):
      tree[("all",) + stack[:n]] = tree.get(("all",) + stack[:n], 0) + value
  return tree


def test_small(server):
  data = server.json("/ui/flame.json")
  paths, totals = frames(data)
  check("a small graph comes whole", dict(zip(paths, totals)) == sums(small()), data)
  check("and says how many frames it has", data["frames"] == len(paths) and data["whole"] == [31], data)
  siblings = [p[-1] for p in paths if len(p) == 2]
  check("the heavier is to the left", siblings == ["main", "other"], siblings)
  focused = server.json("/ui/flame.json?f=%5Eb%24")
  check("filters apply", frames(focused)[1][0] == 14, focused)
  nothing = server.json("/ui/flame.json?f=nothing-has-this-name")
  check("a filter that matches nothing is said", nothing["notes"] == ["Focus expression matched no samples"], nothing)
  for query, status in (("node=x", 400), ("node=99999", 400), ("node=-99999", 400), ("node=1.5", 400), ("f=(", 400),
                        ("node=-9223372036854775808", 400), ("node=99999999999999999999", 400), ("n=x", 400)):
    check("%s: %d" % (query, status), server.json("/ui/flame.json?" + query)[0] == status)
  body = server.get("/ui/flame.json")[1]
  check("names cannot end a script", b"<" not in body, body)


def test_sandwich(server):
  data = server.json("/ui/sandwich.json?fn=a")
  want = {("a",): 18, ("a", "b"): 10, ("a", "c"): 5}
  check("callees of a function in all places", dict(zip(*frames(data["callees"]))) == want, data)
  want = {("a",): 18, ("a", "main"): 13, ("a", "c"): 5, ("a", "c", "main"): 5}
  check("callers, nearest first", dict(zip(*frames(data["callers"]))) == want, data)
  data = server.json("/ui/sandwich.json?fn=r")
  want = {("r",): 4, ("r", "r"): 4, ("r", "r", "r"): 4, ("r", "r", "r", "b"): 4}
  check("recursion counts once", dict(zip(*frames(data["callees"]))) == want, data)
  check("and has its outermost caller", dict(zip(*frames(data["callers"]))) == {("r",): 4, ("r", "main"): 4}, data)
  one = server.json("/ui/sandwich.json?fn=a&side=callees&node=1")
  check("a side can be opened further", frames(one)[0][0] == ("b",), one)
  check("a hostile name is a name", frames(server.json("/ui/sandwich.json?fn=" + quote(HOSTILE))["callers"])[1][0] == 7)
  for query, status in (("", 400), ("fn=nobody", 404), ("fn=a&side=up", 400), ("fn=a&node=1", 400), ("fn=", 400)):
    response, body = server.get("/ui/sandwich.json?" + query)
    check("sandwich.json?%s: %d" % (query, status), response.status == status, body)


def test_export(server):
  def export(query):
    return server.get("/ui/export?" + query)
  response, body = export("format=folded")
  check("the second time, too", export("format=folded")[0].headers["Content-Disposition"] ==
        response.headers["Content-Disposition"])
  lines = dict(line.rsplit(" ", 1) for line in body.decode().splitlines())
  check("folded stacks are what was read", lines == {";".join(k): str(v) for k, v in small().items()}, body)
  check("offered as a file", 'filename="profile.folded"' in response.headers["Content-Disposition"])
  body = export("format=folded&f=%5Eb%24")[1]
  check("filters apply to exports", sorted(body.decode().split("\n")) == ["", "main;a;b 10", "main;r;r;r;b 4"], body)
  path = os.path.join(TMP, "exported.pb.gz")
  with open(path, "wb") as f:
    f.write(export("format=pb&f=%5Eb%24")[1])
  top = subprocess.run([SONDE, "pprof", "-top", path], capture_output=True, env=ENV, text=True).stdout
  check("the profile is one", re.search(r"^ +10 .* b$|^ +14 .* b$", top, re.M), top)
  body = export("format=svg")[1].decode()
  boxes = xml.dom.minidom.parseString(body).getElementsByTagName("title")
  check("the picture is SVG with every frame", len(boxes) == len(sums(small())), body)
  check("and no script", "<script" not in body and "&lt;script" in body, body)
  body = export("format=html")[1]
  check("the page is by itself", b"</html>" in body and b'"id":[' not in body and b"src=" not in body and
        b"<script>alert" not in body, body)
  check("another format is an error", export("format=exe")[0].status == 400 and export("")[0].status == 400)


def test_tags(server):
  for path in ("/ui/flame.json?f=a", "/ui/flamegraph", "/ui/top", "/ui/sandwich.json?fn=a", "/ui/export?format=svg"):
    response, body = server.get(path)
    tag = response.headers["ETag"]
    check("%s is asked for again, not sent again" % path,
          response.headers["Cache-Control"] == "private, no-cache" and body and
          server.get(path, headers={"If-None-Match": tag})[0].status == 304, response.headers)
    check("%s of another query has another tag" % path, server.get(path + ("&" if "?" in path else "?") + "si=0")[0]
          .headers["ETag"] != tag)
  for path in ("/ui/top?f=a", "/ui/flamegraph?g=lines", "/ui/peek?f=a", "/ui/tags", "/ui/sandwich.json?fn=a&side=callers"):
    first, again = server.get(path), server.get(path)
    check("%s is the same the second time" % path, first[1] == again[1] and first[0].status == again[0].status == 200 and
          all(first[0].headers[h] == again[0].headers[h] for h in ("Content-Type", "Content-Security-Policy", "ETag")))
  response, _ = server.get("/ui/flame.json?f=(")
  check("errors are not kept", response.headers["ETag"] is None and response.headers["Cache-Control"] == "no-store")
  check("nor source, whose files may change", server.get("/ui/source?f=a")[0].headers["ETag"] is None)
  other = Server(write_folded("other.folded", {("x",): 1}))
  tag = server.get("/ui/flame.json")[0].headers["ETag"]
  check("another server's answers are others", other.get("/ui/flame.json", headers={"If-None-Match": tag})[0].status == 200)
  other.stop()


def test_configs(server):
  file = os.path.join(TMP, ".config/pprof/settings.json")

  def saved():
    with open(file) as f:
      return json.load(f)["configs"]

  def menu(query=""):
    return {entry["name"]: entry for entry in server.json("/ui/configs.json" + query)}
  check("at first there is the default", list(menu()) == ["Default"] and menu()["Default"]["current"], menu())
  for query in ("", "config=", "f=a"):
    response, body = server.get("/ui/saveconfig?" + query, method="POST")
    check("a configuration has a name: %s" % query, (response.status, body) == (400, b"invalid config name\n"), body)
  response, body = server.get("/ui/saveconfig?config=a%20b&f=x%3Cy&n=7&trim=f&g=lines&si=0&nonsense=1", method="POST")
  check("saved", (response.status, body) == (200, b"") and saved() == [
      {"name": "a b", "unit": "minimum", "sort": "flat", "nodecount": 7, "nodefraction": 0.005, "edgefraction": 0.001,
       "focus": "x<y", "granularity": "lines"}], saved())
  check("for its owner only", os.stat(file).st_mode & 0o777 == 0o600)
  entry = menu("?si=0&h=z")["a b"]
  check("its URL keeps what is not saved and replaces the rest",
        entry == {"name": "a b", "url": "?f=x%3Cy&g=lines&n=7&si=0&trim=f", "current": False, "user": True}, entry)
  check("who shows it is told so", menu(entry["url"])["a b"]["current"] and not menu(entry["url"])["Default"]["current"])
  server.get("/saveconfig?config=a%20b&f=other")
  check("saving again replaces, by GET too", [c.get("focus") for c in saved()] == ["other"] and saved()[0]["trim"], saved())
  server.get("/ui/saveconfig?config=" + quote(HOSTILE), method="POST")
  body = server.get("/ui/configs.json")[1]
  check("a hostile name is a name", b"<" not in body and HOSTILE in menu(), body)
  for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"},
                  {"Origin": "null"}, {"Host": "192.0.2.1:80"}):
    for path in ("/ui/saveconfig?config=evil", "/ui/deleteconfig?config=a%20b"):
      response, body = server.get(path, headers=headers)
      check("%s from %s is refused" % (path, headers), response.status == 403 and "evil" not in menu() and "a b" in menu(), body)
  own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:%d" % server.port, "Host": "localhost:%d" % server.port}
  check("a page of ours may", server.get("/ui/saveconfig?config=mine", method="POST", headers=own)[0].status == 200)
  response, body = server.get("/ui/saveconfig?config=bad&n=x", method="POST")
  check("a wrong parameter is not saved", response.status == 400 and b"nodecount" in body and "bad" not in menu(), body)
  check("deleted", server.get("/ui/deleteconfig?config=a%20b", method="DELETE")[0].status == 200 and "a b" not in menu())
  response, body = server.get("/ui/deleteconfig?config=a%20b", method="DELETE")
  check("once", (response.status, body) == (400, b"config a b not found\n"), body)
  with open(file, "w") as f:
    f.write('{"configs": [{"name": 1}]}')
  for path in ("/ui/configs.json", "/ui/saveconfig?config=x", "/ui/deleteconfig?config=x"):
    response, body = server.get(path)
    check("%s names a broken file and leaves it" % path,
          response.status == 400 and b"settings.json" in body and b'"name" cannot be 1' in body and
          os.path.getsize(file) == 26, body)
  os.remove(file)
  check("other pages take no POST", server.get("/ui/configs.json", method="POST")[0].status == 405 and
        server.get("/ui/saveconfig?config=x", method="PUT")[0].status == 405)


def test_queries(server):
  """Whatever is asked, there is an answer."""
  values = ("", "nan", "inf", "-1e999", "-1", "2147483647", "-2147483648", "99999999999", "t", "%00", "%FF%FE", "(", "a" * 4000,
            "%F0%9F%94%A5", "[[:alpha:]]", "(a*)*b", "{{", "1:2", ":", "k=v", "-", "+", "%")
  names = ("f", "i", "h", "s", "sf", "tf", "ti", "ts", "th", "prunefrom", "si", "g", "n", "nf", "ef", "sort", "unit", "rel",
           "calltree", "mean", "noinlines", "trim", "dropneg", "showcolumns", "norm", "compact", "intel", "node", "fn", "side",
           "format", "config", "nosuch", "")
  for page in ("flame.json", "sandwich.json", "flamegraph", "top", "peek", "tags", "source", "disasm", "export", "configs.json"):
    bad = []
    for name in names:
      for value in values:
        response, body = server.get("/ui/%s?%s=%s&fn=a&format=folded" % (page, name, value))
        if response.status not in (200, 400, 404) or (response.status != 200 and not body):
          bad.append((name, value, response.status))
    check("%s answers whatever it is asked" % page, not bad, bad)


def test_homes():
  path = write_folded("homes.folded", {("x",): 1})
  elsewhere = Server(path, {**ENV, "XDG_CONFIG_HOME": TMP + "/xdg"})
  elsewhere.get("/ui/saveconfig?config=x", method="POST")
  check("XDG_CONFIG_HOME says where settings are", os.path.exists(TMP + "/xdg/pprof/settings.json"))
  elsewhere.stop()
  homeless = Server(path, {"PATH": ENV["PATH"]})
  for what in ("configs.json", "saveconfig?config=x"):
    response, body = homeless.get("/ui/" + what)
    check("without a home %s says so" % what, response.status == 400 and b"set $HOME" in body, body)
  homeless.stop()


def expand(server, data, at, want, prefix):
  """Asks for the frame or group `at`; its total and its frames must be those of the whole tree."""
  paths, totals = frames(data)
  part = server.json("/ui/flame.json?node=%d" % data["id"][at])
  below, sub = frames(part)
  shown = [i for i in range(1, len(below)) if not part["more"][i]]
  known = all(sub[i] == want[prefix + below[i][1:]] for i in shown)
  count = len(shown) + sum(part["more"][1:])
  return sub[0] == totals[at] and known, count, part


def test_large():
  stacks = large()
  want = sums(stacks)
  server = Server(write_folded("large.folded", stacks))
  response, body = server.get("/ui/flame.json", headers={"Accept-Encoding": "gzip"})
  data = json.loads(gzip.decompress(body))
  paths, totals = frames(data)
  shown = [i for i in range(len(paths)) if not data["more"][i]]
  check("a large graph is cut", len(paths) < 20000 < data["frames"] == len(want), (len(paths), data["frames"], len(want)))
  check("to what weighs something", min(totals[i] for i in shown[1:] if len(paths[i]) > 2) >= totals[0] / 2000)
  check("what is shown is right", all(totals[i] == want[paths[i]] for i in shown))
  check("what is not shown is counted", len(shown) + sum(data["more"]) == data["frames"])
  check("sums stay exact", totals[0] == sum(stacks.values()))
  groups = [i for i in range(len(paths)) if data["more"][i]]
  some = random.Random(3).sample(groups, 40) + [g for g in groups if paths[g][:2] == ("all", "wide")]
  good = [expand(server, data, g, want, paths[g][:-1]) for g in some]
  check("a group holds what was left out", all(ok and count == data["more"][g] for g, (ok, count, _) in zip(some, good)))
  part, taken, steps = good[-1][2], 0, 0
  while part["more"][-1] and steps < 10:
    taken += len(part["depth"]) - 2
    ok, _, part = expand(server, part, len(part["depth"]) - 1, want, ("all", "wide"))
    steps += 1
  taken += len(part["depth"]) - 1
  check("thousands of equals can be opened to the last", taken == data["more"][some[-1]] and steps >= 1, (taken, steps))
  heavy = random.Random(4).sample(shown[1:], 40)
  check("a frame opens too", all(expand(server, data, i, want, paths[i])[0] for i in heavy))
  both = server.json("/ui/sandwich.json?fn=f3")
  cum = sum(v for k, v in stacks.items() if "f3" in k)
  check("both sides of a sandwich weigh the same", frames(both["callers"])[1][0] == cum == frames(both["callees"])[1][0])
  server.stop()


def main():
  server = Server(write_folded("small.folded", small()))
  test_small(server)
  test_sandwich(server)
  test_export(server)
  test_tags(server)
  test_configs(server)
  test_queries(server)
  check("it ends when asked to", server.stop() == 0)
  test_homes()
  test_large()
  return finish()


sys.exit(main())
