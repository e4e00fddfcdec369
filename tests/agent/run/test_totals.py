"""The profile's total is the program's CPU time, within 1 % of what getrusage says."""
from agentlib import main, program, sonde_run, test


def check(shape, threads):
  for hz in (100, 250, 1000, 4000):
    run = sonde_run(program("totals"), shape, hz=hz)
    used = float(run.out)
    profile = run.profile
    seen = profile.total() / 1e9
    print("# %s at %d Hz: %.3fs of %.3fs" % (shape, hz, seen, used))
    assert profile.period == 10**9 // hz
    assert profile.types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert abs(seen - used) <= 0.01 * used, "%s at %d Hz: %.3fs, not %.3fs" % (shape, hz, seen, used)
    assert run.summary()["threads"] == threads
    assert run.summary()["dropped"] == 0


@test
def test_one_thread():
  check("one", 1)


@test
def test_four_uneven_threads():
  check("uneven", 5)


@test
def test_threads_of_a_few_ms():
  check("short", 2001)


main()
