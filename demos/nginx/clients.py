"""What nginx is asked in run.sh: clients.py half-headers SOCKET, fetch SOCKET PATH TIMES, slow-reader FIFO."""
import fcntl
import socket
import sys
import threading
import time


def connect(path):
  s = socket.socket(socket.AF_UNIX)
  s.connect(path)
  return s


def half_headers(path):
  """400 connections in three seconds, each with the first 4 KB of a long header; held for one more."""
  held = []
  for _ in range(400):
    held.append(connect(path))
    held[-1].send(b"GET /page.html HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 4000)
    time.sleep(0.0075)
  time.sleep(1)


def fetch_pages(path, page, times):
  s = connect(path)
  reply = s.makefile("rb")
  for _ in range(times):
    s.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % page.encode())
    length = 0
    while (line := reply.readline()) != b"\r\n":
      if line.lower().startswith(b"content-length:"):
        length = int(line.split(b":")[1])
    assert length and len(reply.read(length)) == length


def fetch(path, page, times):
  clients = [threading.Thread(target=fetch_pages, args=(path, page, int(times))) for _ in range(4)]
  for c in clients:
    c.start()
  for c in clients:
    c.join()


def slow_reader(path):
  """Takes a line of the log each three milliseconds: fewer than are written."""
  with open(path, "rb", 0) as log:
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
    while log.read(100):
      time.sleep(0.003)


{"half-headers": half_headers, "fetch": fetch, "slow-reader": slow_reader}[sys.argv[1]](*sys.argv[2:])
