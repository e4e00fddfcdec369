"""Labels: set, inherited and shown, whoever records."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "run"))
from agentlib import SONDE, WORK, Profile, main, program, test  # noqa: E402

PERIODS = 10  # of 10 ms in what each thread burns


def labelled(profile, **labels):
  return sum(values[0] for (_, values), have in zip(profile.samples, profile.labels) if have == labels)


def run(*args, before=()):
  done = subprocess.run([*before, program("labels"), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                        timeout=60)
  assert done.returncode == 0 and done.stdout == "done\n", done.stdout + done.stderr


def check_tenants(profile):
  for tenant in ("acme", "zeta"):
    count = labelled(profile, tenant=tenant, phase="create")
    assert abs(count - PERIODS) <= 2, "%s: %d, %s" % (tenant, count, profile.labels)


@test
def test_calls_with_nothing_recorded():
  run()


@test
def test_labels_set_before_a_profile_begins():
  path = os.path.join(WORK, "api.pb.gz")
  run(path)
  profile = Profile(path)
  check_tenants(profile)
  assert abs(labelled(profile, tenant="before") - PERIODS) <= 2, profile.labels


@test
def test_labels_on_every_profile():
  path = {kind: os.path.join(WORK, kind + ".pb.gz") for kind in ("cpu", "block")}
  run(before=[SONDE, "run", "-o", path["cpu"], "-block", path["block"], "-blockrate", "1", "--"])
  check_tenants(Profile(path["cpu"]))
  joins = labelled(Profile(path["block"]), tenant="acme", phase="create")
  assert joins == 1, joins


@test
def test_labels_are_in_the_order_of_their_keys():
  path = os.path.join(WORK, "order.pb.gz")
  run(before=[SONDE, "run", "-o", path, "--"])
  for labels in Profile(path).labels:
    assert list(labels) == sorted(labels), labels


main()
