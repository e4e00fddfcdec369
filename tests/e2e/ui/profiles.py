#!/usr/bin/env python3
"""Makes profiles that no program would be run for: profiles.py KIND > PROFILE.pb.gz

  huge      500,000 distinct stacks, 20 to 26 frames deep
  hostile   markup, quotes, controls and bytes that are no UTF-8 wherever a profile has text
  empty     no samples
  before, after   a pair: what one has more, less or not at all of the other
"""
import gzip
import random
import sys

MARKUP = b"</script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">&amp;'\"\\"


def varint(n):
  out = bytearray()
  while n > 127:
    out.append(n & 127 | 128)
    n >>= 7
  out.append(n)
  return bytes(out)


def field(number, data):
  if isinstance(data, int):
    return varint(number << 3) + varint(data)
  return varint(number << 3 | 2) + varint(len(data)) + data


class Profile:
  def __init__(self):
    self.strings = {b"": 0}
    self.parts = []
    self.locations = {}

  def string(self, text):
    return self.strings.setdefault(text, len(self.strings))

  def location(self, name, file):
    """Its number, made when first asked for: one function and one line a name."""
    key = (name, file)
    if key not in self.locations:
      n = self.locations[key] = len(self.locations) + 1
      self.parts.append(field(5, field(1, n) + field(2, self.string(name)) + field(4, self.string(file))))
      self.parts.append(field(4, field(1, n) + field(2, 1) + field(4, field(1, n) + field(2, 7))))
    return self.locations[key]

  def sample(self, locations, value, label=None):
    text = field(1, b"".join(varint(n) for n in locations)) + field(2, varint(value // 10000000) + varint(value))
    if label:
      text += field(3, field(1, self.string(label[0])) + field(2, self.string(label[1])))
    self.parts.append(field(2, text))

  def stack(self, names, value, file=b"main.c", label=None):
    """Names from the root, as one reads them."""
    self.sample([self.location(n, file) for n in reversed(names)], value, label)

  def write(self, out, comment=None, binary=b"prog"):
    types = field(1, field(1, self.string(b"samples")) + field(2, self.string(b"count")))
    types += field(1, field(1, self.string(b"cpu")) + field(2, self.string(b"nanoseconds")))
    tail = field(3, field(1, 1) + field(2, 4096) + field(3, 1 << 20) + field(5, self.string(binary)) + field(7, 1))
    if comment:
      tail += field(13, self.string(comment))
    strings = b"".join(field(6, s) for s in self.strings)
    out.write(gzip.compress(types + b"".join(self.parts) + tail + strings, 1))


def huge(profile):
  dice = random.Random(7)
  places = [varint(profile.location(b"pkg%d::part%d::work%d" % (i % 9, i % 70, i), b"src/part%d.cc" % (i % 70)))
            for i in range(3000)]
  head = b"".join(places[i] for i in range(4, -1, -1))
  value = field(2, varint(1) + varint(10000000))
  for _ in range(500000):
    # The upper frames are of few kinds, the lower ones of many: so real stacks branch.
    upper = [places[5 + dice.randrange(3)] for _ in range(6)]
    lower = [places[dice.randrange(8, 3000)] for _ in range(dice.randrange(9, 16))]
    profile.parts.append(field(2, field(1, b"".join(lower + upper) + head) + value))


def hostile(profile):
  profile.stack([b"main", MARKUP, b"a\x01\xff\xfe\nb"], 300000000, MARKUP, (MARKUP, MARKUP))
  profile.stack([b"main", b"__proto__", b"constructor", b"x" * 40000], 500000000, b"../../etc/passwd")
  profile.stack([b"main", "\u202eright to left\u2028\U0001f525".encode()], 200000000)


def empty(profile):
  """No sample at all."""


def before(profile):
  profile.stack([b"main", b"run", b"steady"], 400000000)
  profile.stack([b"main", b"run", b"slower"], 200000000)
  profile.stack([b"main", b"run", b"gone"], 300000000)


def after(profile):
  profile.stack([b"main", b"run", b"steady"], 400000000)
  profile.stack([b"main", b"run", b"slower"], 600000000)
  profile.stack([b"main", b"run", b"fresh"], 100000000)


def main():
  kinds = {"huge": huge, "hostile": hostile, "empty": empty, "before": before, "after": after}
  profile = Profile()
  kinds[sys.argv[1]](profile)
  is_hostile = sys.argv[1] == "hostile"
  profile.write(sys.stdout.buffer, MARKUP if is_hostile else None, b"/bin/" + MARKUP if is_hostile else b"/bin/prog")


main()
