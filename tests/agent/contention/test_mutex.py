"""The mutex profile: what waiters waited for locks is charged to those who released them, all of it, and to each as
long as it held the lock."""
from contentionlib import Contention, leaves, main, program, test, through

LOCKS = {"mutex": ("pthread_mutex_lock", "pthread_mutex_unlock"),
         "rwlock": ("pthread_rwlock_wrlock", "pthread_rwlock_unlock")}


def run_locks(kind, threads, turns, hold_ns, **opts):
  run = Contention(program("contend"), kind, str(threads), str(turns), str(hold_ns), **opts)
  assert int(run.out[1]) == 2 * threads * turns
  return run


def check_conserved(kind, threads, turns, hold_ns):
  run = run_locks(kind, threads, turns, hold_ns)
  lock, unlock = LOCKS[kind]
  waits, blocked = through(run.block, lock)
  charges, charged = through(run.mutex, unlock)
  print("# %s: %d threads waited %.4fs in %d waits; %.4fs charged" % (kind, threads, blocked, waits, charged))
  assert leaves(run.mutex) <= {unlock}, leaves(run.mutex)
  assert waits > 0 and charged >= 0.99 * blocked and charged <= 1.001 * blocked
  assert abs(charges - waits) <= 0.02 * waits + 2, "%d waits charged, of %d" % (charges, waits)
  assert blocked <= float(run.out[0]) * 1.01


@test
def test_waits_for_mutexes_are_conserved():
  check_conserved("mutex", 4, 1000, 30000)


@test
def test_waits_for_rwlocks_are_conserved():
  check_conserved("rwlock", 4, 1000, 30000)


@test
def test_a_mutex_is_left_as_libc_leaves_it():
  Contention(program("taken"))


@test
def test_many_threads():
  check_conserved("mutex", 32, 100, 30000)


@test
def test_sampling_releases_keeps_the_sum():
  """One release in 5, each worth 5; the error of the sum is that of the sample."""
  blocked = charged = 0
  for _ in range(4):
    run = run_locks("mutex", 4, 500, 200000, fraction=5)
    blocked += through(run.block, "pthread_mutex_lock")[1]
    charged += through(run.mutex, "pthread_mutex_unlock")[1]
  print("# one in 5: %.3fs charged of %.3fs" % (charged, blocked))
  assert 0.6 * blocked <= charged <= 1.5 * blocked


main()
