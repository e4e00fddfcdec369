#!/usr/bin/env python3
"""/ui/source of sonde pprof -http: source with costs, and no file that lies elsewhere. TAP.

  source_page.py SONDE
"""
import html
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import check, finish

SONDE = os.path.abspath(sys.argv[1])
TMP = os.path.realpath(tempfile.mkdtemp())
ENV = {"PATH": os.environ["PATH"], "HOME": TMP, "TZ": "UTC"}
HOSTILE = "</div><script>alert(1)</script>"


def varint(n):
  out = bytearray()
  while n > 127:
    out.append(n & 127 | 128)
    n >>= 7
  return bytes(out) + bytes([n])


def number(field, value):
  return varint(field << 3) + varint(value)


def message(field, *parts):
  body = b"".join(parts)
  return varint(field << 3 | 2) + varint(len(body)) + body


def profile(places):
  """A profile.proto: one sample for each (function, file, line)."""
  strings, out = ["", "samples", "count"], message(1, number(1, 1), number(2, 2))

  def string(s):
    strings.append(s)
    return len(strings) - 1
  for i, (function, file, line) in enumerate(places, 1):
    out += message(2, number(1, i), message(2, varint(i)))
    out += message(4, number(1, i), number(3, 0x1000 * i), message(4, number(1, i), number(2, line)))
    out += message(5, number(1, i), number(2, string(function)), number(4, string(file)), number(5, 1))
  path = os.path.join(TMP, "profile.pb")
  with open(path, "wb") as f:
    f.write(out + b"".join(message(6, s.encode()) for s in strings))
  return path


def write(name, text):
  path = os.path.join(TMP, name)
  os.makedirs(os.path.dirname(path), exist_ok=True)
  with open(path, "w") as f:
    f.write(text)
  return path


class Server:
  def __init__(self, path, *options, cwd=TMP):
    self.process = subprocess.Popen([SONDE, "pprof", "-symbolize=none", "-no_browser", "-http=localhost:", *options, path],
                                    stderr=subprocess.PIPE, env=ENV, text=True, cwd=cwd)
    self.port = int(self.process.stderr.readline().split()[-1].rsplit(":", 1)[1])

  def source(self, function):
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
    connection.request("GET", "/ui/source?f=" + quote("^%s$" % function))
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body

  def stop(self):
    self.process.send_signal(signal.SIGINT)
    self.process.wait(timeout=30)


def main():
  write("project/src/a.c", "int work(void)\n{\n\treturn 1 < 2; // the costly line\n}\n" + HOSTILE + "\n")
  secret = write("secret.txt", "the secret\nthe secret\n")
  write("project-other/b.c", "the secret\n")
  os.symlink(secret, os.path.join(TMP, "project/link.c"))
  os.symlink(TMP, os.path.join(TMP, "project/up"))
  os.mkfifo(os.path.join(TMP, "project/fifo.c"))
  project = os.path.join(TMP, "project")
  outside = {"absolute": secret, "passwd": "/etc/passwd", "parents": "../secret.txt", "deep": "src/../../secret.txt",
             "dotted": project + "/../secret.txt", "link": project + "/link.c", "linked": "up/secret.txt",
             "upwards": "secret.txt", "other": project + "-other/b.c", "pipe": "fifo.c", "folder": "src", "none": "gone.c",
             "memory": "/proc/self/environ", "nothing": "", "slashes": "//" + secret}
  path = profile([("work", "/build/project/src/a.c", 3), ("relative", "src/a.c", 3), ("hostile", "src/a.c", 5),
                  ("evil", HOSTILE, 1)] + [(name, file, 1) for name, file in outside.items()])
  server = Server(path, "-source_path=" + project)
  for name, value in ("work", 1), ("relative", 2):
    status, body = server.source(name)
    lines = [html.unescape(re.sub("<[^>]*>", "", line)) for line in body.splitlines()]
    check("source of %s with its cost" % name, status == 200 and
          any(re.search(r"^ +3 +%d +%d\s+return 1 < 2; // the costly line" % (value, value), line) for line in lines), body)
  status, body = server.source("hostile")
  check("source is text", status == 200 and "<script>" not in body and html.escape(HOSTILE) in body, body)
  status, body = server.source("evil")
  check("so are file names", status == 200 and "<script>" not in body, body)
  for name in outside:
    status, body = server.source(name)
    check("%s is not shown: %s" % (name, outside[name]), status in (200, 400) and "the secret" not in body and
          "root:" not in body and "HOME=" not in body, body)
  status, body = server.source("absolute")
  check("and it is said what to do", "-source_path" in body and "permission denied" in body, body)
  server.stop()
  server = Server(path, cwd=project)
  check("the source path is the current directory otherwise", "the costly line" in server.source("relative")[1])
  check("and bounds as well", "the secret" not in server.source("upwards")[1] + server.source("absolute")[1])
  server.stop()
  server = Server(path, "-source_path=" + project, "-trim_path=" + os.path.dirname(secret))
  check("trimming does not lead out", "the secret" not in server.source("absolute")[1])
  server.stop()
  return finish()


sys.exit(main())
