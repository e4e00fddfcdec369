#!/usr/bin/env python3
"""Builds small binaries with known inlining in every shape the object layer reads, in a temporary
folder, and runs the unit test on it: fixtures.py TEST SOURCE-FOLDER

A shape whose tool is missing (clang, rustc) is left out; the test counts it as skipped.
"""
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading


def run(*cmd):
  subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def have(tool):
  return shutil.which(tool) is not None


def build(source, out):
  c, cc, rs = (os.path.join(source, "inline." + ext) for ext in ("c", "cc", "rs"))
  at = lambda name: os.path.join(out, name)
  gcc = ["gcc", "-O2", "-g", "-Wl,--build-id"]
  run(*gcc, c, "-o", at("plain"))
  run(*gcc, "-gdwarf-4", "-no-pie", c, "-o", at("dwarf4"))
  run(*gcc, "-gz=zlib", c, "-o", at("zlib"))
  run(*gcc, "-gsplit-dwarf", c, "-o", at("split"))
  run(*gcc, "-flto", c, "-o", at("lto"))
  run("g++", "-O2", "-g", cc, "-o", at("cplus"))
  run("gcc", "-O2", "-c", "-g", c, "-o", at("relocatable"))
  if have("clang"):
    run("clang", "-O2", "-g", c, "-o", at("clang"))
    run("clang", "-O2", "-gmlt", c, "-o", at("tables"))
  if have("rustc"):
    run("rustc", "-O", "-g", rs, "-o", at("rust"))
  separate(at)
  mini(at)


def separate(at):
  """Stripped files with their debug files: by build id, by link, and with the wrong ones."""
  for name in ("by-id", "by-link", "bad-link", "bad-id", "no-debug"):
    shutil.copy(at("plain"), at(name))
  run("objcopy", "--only-keep-debug", at("plain"), at("by-link.debug"))
  run("strip", "--remove-section=.note.gnu.build-id", at("by-link"))
  run("objcopy", "--remove-section=.note.gnu.build-id", at("by-link.debug"))
  run("objcopy", "--add-gnu-debuglink=" + at("by-link.debug"), at("by-link"))
  shutil.copy(at("by-link.debug"), at("bad-link.debug"))
  run("strip", "--remove-section=.note.gnu.build-id", at("bad-link"))
  run("objcopy", "--add-gnu-debuglink=" + at("bad-link.debug"), at("bad-link"))
  with open(at("bad-link.debug"), "ab") as f:
    f.write(b"changed")
  ident = build_id(at("plain"))
  run("strip", at("by-id"))
  folder = at("debug/.build-id/" + ident[:2])
  os.makedirs(folder)
  run("objcopy", "--only-keep-debug", at("plain"), os.path.join(folder, ident[2:] + ".debug"))
  store = at("store/" + ident[:2])
  os.makedirs(store)
  shutil.copy(at("plain"), os.path.join(store, ident[2:] + ".debug"))
  other = at("other/.build-id/" + ident[:2])
  os.makedirs(other)
  run("objcopy", "--only-keep-debug", at("dwarf4"), os.path.join(other, ident[2:] + ".debug"))
  run("strip", at("bad-id"))
  run("strip", at("no-debug"))
  with open(at("build-id"), "w") as f:
    f.write(ident)
  shutil.copy(at("no-debug"), at("no-sections"))
  with open(at("no-sections"), "r+b") as f:
    f.seek(0x28)
    f.write(bytes(8))  # e_shoff
    f.seek(0x3c)
    f.write(bytes(4))  # e_shnum, e_shstrndx


def build_id(path):
  notes = subprocess.run(["readelf", "-n", path], check=True, capture_output=True, text=True).stdout
  return notes.split("Build ID:")[1].split()[0]


def mini(at):
  """Local symbols in .gnu_debugdata, as Fedora ships them."""
  if not have("xz"):
    return
  shutil.copy(at("plain"), at("mini"))
  run("objcopy", "--only-keep-debug", "--strip-debug", at("plain"), at("mini.symbols"))
  run("xz", "-f", at("mini.symbols"))
  run("strip", at("mini"))
  run("objcopy", "--add-section", ".gnu_debugdata=" + at("mini.symbols.xz"), at("mini"))


def serve(out):
  """A debuginfod server that has the debug file of by-id. Returns the environment of its clients."""
  ident = open(os.path.join(out, "build-id")).read()
  debug = os.path.join(out, "debug/.build-id", ident[:2], ident[2:] + ".debug")

  class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
      found = self.path == "/buildid/%s/debuginfo" % ident
      body = open(debug, "rb").read() if found else b""
      self.send_response(200 if found else 404)
      self.send_header("Content-Length", str(len(body)))
      self.end_headers()
      self.wfile.write(body)

    def log_message(self, *args):
      pass

  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  return {"DEBUGINFOD_URLS": "http://127.0.0.1:%d" % server.server_port,
          "DEBUGINFOD_CACHE_PATH": os.path.join(out, "cache")}


def main():
  test, source = sys.argv[1:3]
  with tempfile.TemporaryDirectory() as out:
    build(source, out)
    result = subprocess.run([test, out], capture_output=True, text=True,
                            env={**os.environ, **serve(out)})
    sys.stderr.write(result.stderr)
    # cmocka calls a skipped test "not ok", which is not what TAP means by it.
    for line in result.stdout.splitlines():
      print(line.removeprefix("not ") if "# SKIP" in line else line)
    return result.returncode


sys.exit(main())
