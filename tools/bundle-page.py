#!/usr/bin/env python3
"""Makes one self-contained page, or one script, of ES modules, as C source.

bundle-page.py NAME OUT.c PAGE.html STYLE.css MODULE.js...
bundle-page.py NAME OUT.c MODULE.js...

The modules come in the order given, each after those it imports from; `import` lines are dropped and
`export` keywords taken off, so names must be unique among them, which is checked. A page is cut at
{{DATA}} into NAME_head and NAME_tail; NAME_policy is a Content-Security-Policy under which the page's
own style and script run, known by their hashes, and nothing else does. A script is NAME.
"""
import base64
import hashlib
import re
import sys

TOP_NAME = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.M)


def read(path):
  with open(path, encoding="utf-8") as f:
    return f.read()


def plain(module):
  module = re.sub(r"^import\b.*?;\n", "", module, flags=re.M)
  return re.sub(r"^export (?=(async )?function|const|let|class)", "", module, flags=re.M)


def bundle(paths):
  owner = {}
  for path in paths:
    for name in TOP_NAME.findall(read(path)):
      if name in owner:
        sys.exit("%s: %s is a name of %s already" % (path, name, owner[name]))
      owner[name] = path
  return "\n".join(plain(read(path)) for path in paths)


def c_bytes(name, text):
  data = text.encode("utf-8")
  lines = ["extern const char %s[];\nextern const size_t %s_len;" % (name, name), "const char %s[] = {" % name]
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


def page_parts(name, page, style, script):
  text = read(page).replace("/*{{CSS}}*/", read(style)).replace("/*{{JS}}*/", script)
  head, found, tail = text.partition("{{DATA}}")
  if not found:
    sys.exit("%s: no {{DATA}}" % page)
  return [(name + "_head", head), (name + "_tail", tail), (name + "_policy", policy(text))]


def main():
  name, out = sys.argv[1:3]
  files = sys.argv[3:]
  is_page = files[0].endswith(".html")
  script = bundle(files[2:] if is_page else files)
  if "</script" in script:
    sys.exit("a module holds </script: the page would end there")
  parts = page_parts(name, files[0], files[1], script) if is_page else [(name, script)]
  with open(out, "w", encoding="utf-8") as f:
    f.write("/* Made by tools/bundle-page.py. */\n#include <stddef.h>\n\n")
    f.write("\n".join(c_bytes(part, text) for part, text in parts))


main()
