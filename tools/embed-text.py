#!/usr/bin/env python3
"""Embeds text files, one after the other, as one C array: embed-text.py NAME OUT.c FILE..."""
import sys


def main():
  name, out = sys.argv[1:3]
  data = b"".join(open(path, "rb").read() for path in sys.argv[3:])
  with open(out, "w", encoding="utf-8") as f:
    f.write("/* Made by tools/embed-text.py. */\n#include <stddef.h>\n\n")
    f.write("extern const char %s[];\nextern const size_t %s_len;\n" % (name, name))
    f.write("const char %s[] = {%s,0};\n" % (name, ",".join(str(b if b < 128 else b - 256) for b in data)))
    f.write("const size_t %s_len = %d;\n" % (name, len(data)))


main()
