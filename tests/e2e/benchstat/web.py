#!/usr/bin/env python3
"""The pages of sonde benchstat -http: what they say, what they link, what they let in. TAP.

  web.py SONDE INPUTS      INPUTS: the folder of the golden tests' inputs

Where Chromium is installed, the pages are looked at in it as well: that nothing is refused by their
own policy, and that a hostile name stays a name.
"""
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from checks import check, finish

SONDE, INPUTS = os.path.abspath(sys.argv[1]), sys.argv[2]


class Server:
  def __init__(self, *args):
    self.process = subprocess.Popen([SONDE, "benchstat", "-http=localhost:"] + list(args), stderr=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True, cwd=INPUTS)
    for line in self.process.stderr:
      if "serving" in line:
        break
    self.url = line.split()[-1]
    self.port = int(self.url.rsplit(":", 1)[1])

  def get(self, path, method="GET", host=None):
    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
    connection.request(method, path, headers={"Host": host} if host else {})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body

  def stop(self):
    self.process.send_signal(signal.SIGINT)
    out, _ = self.process.communicate(timeout=30)
    return self.process.returncode, out


def headings(page):
  return re.findall(r"<h3>(.*?)</h3>", page)


def check_safe(name, response, page):
  policy = response.getheader("Content-Security-Policy")
  check(name + ": a strict policy", policy.startswith("default-src 'none'") and "unsafe" not in policy, policy)
  check(name + ": no script, no inline style", not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page), page)
  check(name + ": a hostile column and benchmark are text", "<b>" not in page and "&lt;script&gt;" in page, page)


def series():
  server = Server("-trend=commit", "history.txt")
  response, page = server.get("/trend")
  check("trend", response.status == 200 and response.getheader("Content-Type") == "text/html; charset=utf-8")
  check_safe("trend", response, page)
  check("each benchmark of each unit", headings(page) == 2 * [
    "Encode-8", "Decode-8", "Hash-8", "&lt;script&gt;alert(1)&lt;/script&gt;-8"], headings(page))
  check("a table for each chart", page.count("<svg") == page.count("<details>") == 8, page)
  rows = re.search(r"Encode-8.*?<tbody>(.*?)</tbody>", page, re.S)[1]
  check("a row for each column", rows.count("<tr>") == 20, rows)
  changes = re.findall(r'<td class="(\w+)">([-+.\d]+%)', rows)
  check("the change is in the table", len(changes) == 1 and changes[0][0] == "better" and changes[0][1][0] == "-", changes)
  hash_rows = re.search(r"<h3>Hash-8.*?<tbody>(.*?)</tbody>", page, re.S)[1]
  check("columns without a benchmark are left out", hash_rows.count("<tr>") == 16, hash_rows)
  _, changed = server.get("/trend?changed=1")
  check("only what changed", headings(changed) == 2 * ["Encode-8", "Decode-8"], headings(changed))
  check("the same every time", server.get("/trend")[1] == page)
  response, page = server.get("/")
  check("comparison", response.status == 200 and "vs base" in page and 'href="/trend"' in page, page)
  check_safe("comparison", response, page)
  response, style = server.get("/style.css")
  check("style", response.getheader("Content-Type").startswith("text/css") and "prefers-color-scheme:dark" in style, style)
  check("no such page", server.get("/etc/passwd")[0].status == 404)
  check("only reading", server.get("/", "POST")[0].status == 405, server.get("/", "POST"))
  check("no foreign host", server.get("/", host="evil.example:80")[0].status >= 400)
  look(server)
  code, out = server.stop()
  check("Ctrl-C ends it, and nothing was printed", code == 0 and out == "", (code, out))


def look(server):
  chromium = shutil.which("chromium")
  if not chromium:
    check("in Chromium # SKIP it is not installed", True)
    return
  folder = tempfile.mkdtemp()
  run = subprocess.run(
    [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + folder, "--enable-logging=stderr",
     "--dump-dom", server.url + "/trend"], capture_output=True, text=True, timeout=120)
  shutil.rmtree(folder, ignore_errors=True)
  refused = [line for line in run.stderr.splitlines() if "Content Security Policy" in line or "Refused" in line]
  check("in Chromium: nothing refused", not refused, refused)
  check("in Chromium: eight charts", run.stdout.count("</svg>") == 8, run.stdout)


def two_columns():
  server = Server("base.txt", "slower.txt")
  _, page = server.get("/")
  check("two columns: no trends offered", "vs base" in page and "/trend" not in page, page)
  check("a text as benchstat's stays out", server.stop() == (0, ""))


def threshold():
  server = Server("-threshold=5%", "base.txt", "slower.txt")
  server.get("/")
  check("a threshold still fails the run", server.stop()[0] == 1)


series()
two_columns()
threshold()
sys.exit(finish())
