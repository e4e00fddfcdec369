"""demos/: each finds what it is there to find. Those of programs that are not installed are skipped."""
import os
import re
import subprocess

from agentlib import BUILD, Skip, main, test

DEMOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../demos")


def demo(name, *found):
  """Runs it; each regular expression of `found` matches a line of what it prints."""
  done = subprocess.run([os.path.join(DEMOS, name, "run.sh"), BUILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True, timeout=120)
  if done.returncode == 77:
    raise Skip(done.stdout.strip())
  assert done.returncode == 0, done.stdout + done.stderr
  for expected in found:
    assert re.search(expected, done.stdout, re.M), (expected, done.stdout)


@test
def test_leak():
  demo("leak", r"^ +\S+MB +100% +100% +\S+MB +100% +strdup$", r"^leaks: what no pointer leads to; \d+ of \d+",
       r"^ +\. +\S+MB +48:\s\(\*at\)->text = strdup\(text\);$")


@test
def test_locks():
  demo("locks", r"100% +\| +write_journal$|^ +\S+ 9\d\.\d+% +\| +write_journal$", r"^ +\. +\S+s +58:\s+pthread_mutex_unlock\(&journal.lock\);$")


@test
def test_redis():
  demo("redis", r"^ .* 9\d\.\d+% +\| replicationFeedMonitors$", r"^ +\S+ +100% \| +_addReplyProtoToList$",
       r"^cmd=monitor omem=\d{7,}$", r"^ +\S+s 9\d\.\d+% \| +IOThreadMain$|^ +\S+s +100% \| +IOThreadMain$",
       r"% \| +handleClientsWithPendingWritesUsingThreads$")


@test
def test_nginx():
  demo("nginx", r"^ .* ngx_create_temp_buf$", r"% \| +ngx_thread_task_post$", r"^ +[\d.]+m?s +write$", r"^ +ngx_http_free_request$")


main()
