#!/usr/bin/env python3
"""Makes one self-contained page of an HTML template, a style sheet and ES modules, as C source.

bundle-page.py NAME OUT.c PAGE.html STYLE.css MODULE.js...

The modules come in the order given, each after those it imports from; `import` lines are dropped and
`export` keywords taken off, so names must be unique among them. The page is cut at {{DATA}} into
NAME_head and NAME_tail. NAME_policy is a Content-Security-Policy under which the page's own style and
script run, known by their hashes, and nothing else does.
"""
import base64
import hashlib
import re
import sys


def read(path):
  with open(path, encoding="utf-8") as f:
    return f.read()


def plain(module):
  module = re.sub(r"^import\b.*?;\n", "", module, flags=re.M)
  return re.sub(r"^export (?=(async )?function|const|let|class)", "", module, flags=re.M)


def c_bytes(name, text):
  data = text.encode("utf-8")
  lines = ["const char %s[] = {" % name]
  for i in range(0, len(data), 20):
    lines.append("\t" + "".join("%d," % (b if b < 128 else b - 256) for b in data[i:i + 20]))
  lines.append("\t0,\n};\nconst size_t %s_len = %d;\n" % (name, len(data)))
  return "\n".join(lines)


def digest(text, tag):
  inner = re.search("<%s>(.*?)</%s>" % (tag, tag.split()[0]), text, re.S).group(1)
  return base64.b64encode(hashlib.sha256(inner.encode("utf-8")).digest()).decode("ascii")


def policy(text):
  return ("default-src 'none'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
          "style-src 'sha256-%s'; script-src 'sha256-%s'"
          % (digest(text, "style"), digest(text, 'script type="module"')))


def main():
  name, out, page, style = sys.argv[1:5]
  script = "\n".join(plain(read(path)) for path in sys.argv[5:])
  if "</script" in script:
    sys.exit("a module holds </script: the page would end there")
  text = read(page).replace("/*{{CSS}}*/", read(style)).replace("/*{{JS}}*/", script)
  head, found, tail = text.partition("{{DATA}}")
  if not found:
    sys.exit("%s: no {{DATA}}" % page)
  with open(out, "w", encoding="utf-8") as f:
    f.write("/* Made by tools/bundle-page.py. */\n#include <stddef.h>\n\n")
    f.write(c_bytes(name + "_head", head) + "\n" + c_bytes(name + "_tail", tail) + "\n"
            + c_bytes(name + "_policy", policy(text)))


main()
