"""Where the programs are that sonde is measured against."""
import os
import shutil
import subprocess


def find_go():
  """The program behind `go tool pprof`, which builds it when first asked for: that is not what is measured.
  $GO_PPROF names another one, such as an older Go's."""
  if os.environ.get("GO_PPROF"):
    return os.environ["GO_PPROF"]
  if not shutil.which("go"):
    return None
  subprocess.run(["go", "tool", "pprof", "-h"], capture_output=True)
  return subprocess.run(["go", "tool", "-n", "pprof"], capture_output=True, text=True).stdout.strip() or None
