#!/usr/bin/env python3
"""The pages of sonde pprof -http: paths, redirections, parameters, guards, hostile names. TAP.

  web.py SONDE INPUTS      INPUTS: the folder of small profiles of the golden tests

In a Chromium, if there is one: that the flame graph runs under its policy and no other script does.
"""
import gzip
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import check, finish, skip

SONDE, INPUTS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
CPU = os.path.join(INPUTS, "cpu.pb.gz")
HOSTILE = "</script><script>document.title=\"pwned\"</script><img src=x onerror=alert(1)>&'\""
TMP = tempfile.mkdtemp()
ENV = {"PATH": os.environ["PATH"], "HOME": TMP, "TZ": "UTC"}


class Server:
  def __init__(self, profile, address="localhost:"):
    self.process = subprocess.Popen([SONDE, "pprof", "-symbolize=none", "-no_browser", "-http=" + address, profile],
                                    stderr=subprocess.PIPE, env=ENV, text=True)
    line = self.process.stderr.readline()
    self.url = line.split()[-1]
    self.port = int(self.url.rsplit(":", 1)[1])

  def get(self, path, method="GET", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body

  def stop(self):
    self.process.send_signal(signal.SIGINT)
    return self.process.wait(timeout=30)


def report(*args):
  return subprocess.run([SONDE, "pprof", "-symbolize=none"] + list(args), capture_output=True, env=ENV).stdout


def pages(server):
  for view in ("flamegraph", "top", "graph", "peek", "source", "disasm", "tags"):
    if view == "graph" and not shutil.which("dot"):
      continue
    response, body = server.get("/ui/" + view)
    policy = response.headers["Content-Security-Policy"]
    check("%s is a page" % view, response.status == 200 and b"</html>" in body, (response.status, body))
    check("%s marks itself in the navigation" % view, ('href="/ui/%s" aria-current="page"' % view).encode() in body, body)
    check("%s allows no inline script" % view, "unsafe" not in policy and "default-src 'none'" in policy, policy)
  for path, status, to in (("/", 307, "/ui/"), ("/x?f=a%26b", 307, "/ui/?f=a%26b"), ("/ui/", 301, "/ui/flamegraph"),
                           ("/ui", 301, "/ui/"), ("/ui/flamegraphold?si=0", 301, "/ui/flamegraph?si=0"),
                           ("/ui/nothing", 404, None)):
    response, _ = server.get(path)
    check("%s: %d" % (path, status), response.status == status and response.headers["Location"] == to,
          (response.status, response.headers["Location"]))
  response, body = server.get("/ui/download")
  check("the download is the profile", gzip.decompress(body) == gzip.decompress(report("-proto", CPU))
        or report("-raw", save(body)) == report("-raw", CPU))
  response, body = server.get("/ui/top", headers={"Accept-Encoding": "gzip"})
  check("pages travel compressed", gzip.decompress(body) == server.get("/ui/top")[1], response.headers)


def save(data):
  path = os.path.join(TMP, "saved.pb.gz")
  with open(path, "wb") as f:
    f.write(data)
  return path


def parameters(server):
  top = report("-top", CPU).decode().splitlines()
  name = top[-1].split()[-1]
  body = server.get("/ui/top")[1].decode()
  check("top has the rows of -top", all(line.split()[0] in body for line in top[6:]) and name in body, body)
  body = server.get("/ui/peek?f=.")[1].decode()
  # The page's 80-column rules are those of the command.
  want = report("-peek=.", "-lines", CPU).decode()
  check("peek says what -peek -lines says", want.splitlines()[-1] in body and want.splitlines()[6] in body, body)
  body = server.get("/ui/top?f=nothing-has-this-name")[1].decode()
  check("a focus that matches nothing is said", "Focus expression matched no samples" in body, body)
  check("a filter is a chip that removes it", 'class="chip"' in body and 'href="/ui/top">focus: ' in body, body)
  response, body = server.get("/ui/top?f=(")
  check("a bad expression is an error", response.status == 400 and b"missing closing )" in body, body)
  check("a script gets Go's line", response.getheader("Content-Type").startswith("text/plain") and body.count(b"\n") == 1, body)
  response, body = server.get("/ui/top?f=(%3Cb%3E", headers={"Accept": "text/html,*/*;q=0.8"})
  body = body.decode()
  check("a browser gets a page of it", response.status == 400 and "Top cannot be shown" in body and
        response.getheader("Content-Type").startswith("text/html") and "script-src 'self'" in response.getheader("Content-Security-Policy"), body)
  check("with the message, escaped, and the way back", "missing closing ): `(&lt;b&gt;`" in body and "<b>" not in body and
        'href="/ui/top">focus: (&lt;b&gt;' in body and 'href="/ui/flamegraph?f=' in body, body)
  body = server.get("/ui/tags?th=.")[1].decode()
  check("nothing to show is said", "There is nothing to show" in body and "<pre" not in body, body)
  response, body = server.get("/ui/top?si=no-such-type")
  check("an unknown sample type is an error", response.status == 400 and b"must be one of" in body, body)
  a, b = server.get("/ui/top?si=0")[1], server.get("/ui/top")[1]
  check("the sample type changes the page", a != b)


def guards(server):
  for host, status in (("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("evil.example", 403),
                       ("localhost.evil.example", 403), ("127.0.0.1.evil.example:80", 403)):
    response, _ = server.get("/ui/top", headers={"Host": host})
    check("Host %s: %d" % (host, status), response.status == status, response.status)
  check("POST is refused", server.get("/ui/top", method="POST")[0].status == 405)
  check("types are not sniffed", server.get("/ui/top")[0].headers["X-Content-Type-Options"] == "nosniff")
  slow = socket.create_connection(("127.0.0.1", server.port))
  slow.send(b"GET /ui/top HT")
  broken = socket.create_connection(("127.0.0.1", server.port))
  broken.send(b"\x00\xff\r\n\r\n" * 100)
  long = socket.create_connection(("127.0.0.1", server.port))
  long.settimeout(30)
  try:
    long.sendall(b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = long.recv(100)
  except ConnectionError:
    answer = b""
  check("a request line without end is refused", answer == b"" or b" 414 " in answer or b" 431 " in answer, answer)
  check("clients that are slow or broken hold up nobody", server.get("/ui/top")[0].status == 200)
  for s in (slow, broken, long):
    s.close()


def hostile_profile():
  """Samples from folded stacks: sonde convert knows the format."""
  folded = os.path.join(TMP, "hostile.folded")
  with open(folded, "w") as f:
    f.write("main;%s 10\nmain;plain 5\n" % HOSTILE.replace(";", ""))
  return folded


def hostile(server):
  for view in ("flamegraph", "top", "graph", "peek?f=.", "tags"):
    if view == "graph" and not shutil.which("dot"):
      continue
    body = server.get("/ui/" + view)[1]
    check("hostile names do no harm in %s" % view,
          b"plain" in body + b"plain" * (view == "tags") and b"<script>document" not in body and b"<img" not in body, body)
  response, body = server.get("/ui/top?f=%22%3E%3Cscript%3E")
  check("nor in parameters", b"<script>" not in body and b"%3Cscript%3E" in body, body)


def browser(server):
  if not shutil.which("chromium"):
    skip("the flame graph in a browser", "chromium is not installed")
    return
  command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run", "--user-data-dir=" + TMP + "/chromium",
             "--virtual-time-budget=3000", "--dump-dom", server.url + "/ui/flamegraph"]
  dom = subprocess.run(command, capture_output=True, env=ENV, text=True, timeout=120).stdout
  check("the flame graph's own script runs", 'role="treeitem"' in dom, dom)
  check("and none from the profile", "<title>pwned" not in dom, dom)
  check("the navigation stands above it", 'aria-current="page"' in dom, dom)


def main():
  server = Server(CPU)
  pages(server)
  parameters(server)
  guards(server)
  check("Ctrl-C ends it well", server.stop() == 0)
  server = Server(hostile_profile())
  hostile(server)
  browser(server)
  check("and again", server.stop() == 0)
  p = subprocess.run([SONDE, "pprof", "-no_browser", "-http=localhost:notaport", CPU], capture_output=True, env=ENV)
  check("a port that is none is an error", p.returncode == 2 and b"listen localhost:notaport" in p.stderr, p.stderr)
  shutil.rmtree(TMP, ignore_errors=True)
  return finish()


sys.exit(main())
