"""Every way to wait: the block profile's time is what the waiting thread's own clock says, to within 3 %, and each
wait is counted once, with the function that waited as the leaf."""
from contentionlib import Contention, leaves, main, program, test, through

# Of the program: kind, the function it waits in, the leaf, and whether it waits for a lock.
WAYS = [
  ("mutex", "lock_mutex", "pthread_mutex_lock", True),
  ("timedlock", "lock_mutex_timed", "pthread_mutex_timedlock", True),
  ("clocklock", "lock_mutex_clock", "pthread_mutex_clocklock", True),
  ("recursive", "lock_mutex", "pthread_mutex_lock", True),
  ("errorcheck", "lock_mutex", "pthread_mutex_lock", True),
  ("robust", "lock_mutex", "pthread_mutex_lock", True),
  ("inherit", "lock_mutex", "pthread_mutex_lock", True),
  ("mtx", "lock_c11", "mtx_lock", True),
  ("rdlock", "lock_read", "pthread_rwlock_rdlock", True),
  ("wrlock", "lock_write", "pthread_rwlock_wrlock", True),
  ("timedrdlock", "lock_read_timed", "pthread_rwlock_timedrdlock", True),
  ("clockwrlock", "lock_write_clock", "pthread_rwlock_clockwrlock", True),
  ("cond", "wait_cond", "pthread_cond_wait", False),
  ("sem", "wait_sem", "sem_wait", False),
  ("sem_timed", "wait_sem_timed", "sem_timedwait", False),
  ("barrier", "wait_barrier", "pthread_barrier_wait", False),
  ("read", "read_byte", "read", False),
  ("recv", "recv_byte", "recv", False),
  ("poll", "poll_byte", "poll", False),
  ("select", "select_byte", "select", False),
  ("epoll", "epoll_byte", "epoll_wait", False),
  ("write", "write_full", "write", False),
  ("accept", "accept_one", "accept", False),
  ("flock", "lock_file", "flock", False),
  ("nanosleep", "sleep_nanos", "nanosleep", False),
  ("clock_nanosleep", "sleep_clock", "clock_nanosleep", False),
  ("usleep", "sleep_micros", "usleep", False),
  ("thrd_sleep", "sleep_c11", "thrd_sleep", False),
  ("child", "wait_child", "waitpid", False),
  ("join", "join_thread", "pthread_join", False),
  ("sigwait", "wait_signal", "sigwait", False),
  ("once", "wait_once", "pthread_once", False),
]


def check(kind, function, leaf, is_lock):
  run = Contention(program("waits"), kind)
  waited, times = float(run.out[0]), int(run.out[1])
  count = seconds = 0
  for frames, values in run.block.samples:
    names = [name.split(".")[0] for frame in frames for name in frame]
    # The functions may be inlined into one another; the helper's waits are its own.
    if names[0] == leaf and "main" in names:
      count, seconds = count + values[0], seconds + values[1] / 1e9
  print("# %s: %.4fs of %.4fs, %d of %d" % (kind, seconds, waited, count, times))
  # On a busy machine what is to be waited for may have come about before the wait begins.
  assert times // 2 <= count <= times, "%s: %d waits, not %d; leaves %s" % (kind, count, times, leaves(run.block))
  assert abs(seconds - waited) <= 0.03 * waited + 0.002, "%s: %.4fs, not %.4fs" % (kind, seconds, waited)
  if is_lock:
    contentions, charged = through(run.mutex, "hold")
    assert abs(charged - seconds) <= 0.01 * seconds, "%s: %.4fs of %.4fs charged" % (kind, charged, seconds)
    assert contentions == count, "%s: %d contentions charged, not %d" % (kind, contentions, count)


def make(way):
  def run():
    check(*way)
  run.__name__ = "test_" + way[0]
  test(run)


for way in WAYS:
  make(way)


@test
def test_waits_still_going_on_at_exit():
  run = Contention(program("waits"), "open")
  count, seconds = through(run.block, "never")
  assert count == 1 and seconds >= 0.9 * float(run.out[0]), "%d waits, %.3fs" % (count, seconds)


main()
