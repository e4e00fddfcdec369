"""What the tests of served pages share: one check a line of TAP, and the end of it."""
results = [0, 0]


def check(name, ok, detail=""):
  results[0] += 1
  results[1] += not ok
  print("%sok %d - %s" % ("" if ok else "not ", results[0], name))
  if not ok:
    print("# " + repr(detail)[:1200])


def skip(name, reason):
  results[0] += 1
  print("ok %d - %s # SKIP %s" % (results[0], name, reason))


def finish():
  """The program's exit status."""
  print("1..%d" % results[0])
  return 1 if results[1] else 0
