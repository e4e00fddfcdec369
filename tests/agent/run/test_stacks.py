"""Stacks are complete: at least 99.5 % of samples reach main or the thread's start through every frame
that must be there."""
from agentlib import main, program, sonde_run, test


def share(run, where, of=lambda names: True):
  profile = run.profile
  all_of, good = profile.count(of), profile.count(lambda names: of(names) and where(names))
  print("# %d of %d samples complete, %s" % (good, all_of, run.err.strip()))
  assert all_of >= 500, "only %d samples" % all_of
  # On a machine that is busy one signal stands for many expiries: a single one that fell on a thread's
  # first instructions is no share of anything.
  bad = profile.stacks(lambda names: of(names) and not where(names))
  return 1 if bad <= 1 and all_of - good < all_of / 20 else good / all_of


def complete(root, frames=0):
  def where(names):
    return root in names and names.count("in_leaves") == frames
  return where


LEAVES = {"in_qsort", "in_memcpy", "in_snprintf"}


@test
def test_leaves_in_libc():
  run = sonde_run(program("stacks"), "leaves", hz=1000)
  assert share(run, complete("main", 21), lambda names: LEAVES & set(names)) == 1
  assert share(run, lambda names: "main" in names) >= 0.995
  for leaf in LEAVES:
    assert run.profile.through(leaf) > 20, leaf


@test
def test_on_a_thread():
  run = sonde_run(program("stacks"), "thread", hz=1000)
  assert share(run, complete("leaves", 21), lambda names: LEAVES & set(names)) == 1
  assert share(run, lambda names: "leaves" in names or "main" in names) >= 0.995


@test
def test_on_a_small_stack():
  run = sonde_run(program("stacks"), "small", hz=1000)
  assert share(run, lambda names: "leaves" in names or "main" in names) >= 0.995


@test
def test_longjmp():
  run = sonde_run(program("stacks"), "longjmp", hz=1000)
  assert share(run, lambda names: "main" in names) >= 0.995


@test
def test_alternate_signal_stack():
  run = sonde_run(program("stacks"), "altstack", hz=1000)
  assert share(run, lambda names: "main" in names and "on_alternate_stack" in names,
               lambda names: "in_handler" in names) >= 0.995


@test
def test_exceptions():
  # libgcc's own tables are wrong at the end of _Unwind_Resume, where the stack is being switched:
  # samples there are cut short, whoever unwinds (docs/unwinding.md). Those are 0.6 % of the signals, of which on a busy
  # machine each stands for a varying number of samples.
  run = sonde_run(program("throws"), hz=1000)
  assert share(run, lambda names: "main" in names) >= 0.95


main()
