"""The block profile is unbiased at any rate: short waits are sampled by their length and weighted by its inverse."""
import subprocess

from contentionlib import Contention, main, program, test, through


def check(rate, tolerance):
  run = Contention(program("sleeps"), "4000", "100000", rate=rate)
  waited, times = float(run.out[0]), int(run.out[1])
  count, seconds = through(run.block, "nap")
  print("# rate %d: %.3fs of %.3fs, %d of %d" % (rate, seconds, waited, count, times))
  assert abs(seconds - waited) <= tolerance * waited
  assert abs(count - times) <= tolerance * times


@test
def test_everything():
  check(1, 0.03)


@test
def test_waits_as_long_as_the_rate():
  check(50000, 0.03)


# 4000 waits of 0.16 ms: some 640 samples and 64, so that 0.25 and 0.6 are six of their deviations or five.
@test
def test_a_rate_of_a_millisecond():
  check(1000000, 0.25)


@test
def test_a_rate_of_ten_milliseconds():
  check(10000000, 0.6)


@test
def test_rates_set_by_the_program():
  run = Contention(program("rates_api"), "recorded")
  assert run.out == ["done"]
  assert through(run.block, "on")[0] == 10 and through(run.block, "off")[0] == 0


@test
def test_rates_of_a_program_that_nobody_records():
  assert subprocess.run([program("rates_api")], stdout=subprocess.PIPE, text=True).stdout == "done\n"


main()
