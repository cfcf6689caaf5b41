"""See to it that there is a Chromium for the tests of the pages: `python deploy/chromium.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def main() -> int:
    """Install the system's Chromium if there is none and that can be done without a question."""
    if any(shutil.which(name) for name in NAMES):
        return 0
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if shutil.which("apt-get") and (not prefix or shutil.which("sudo")):
        print("Installing Chromium for the tests of the pages", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        apt = [*prefix, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-cjk"]):
            subprocess.run([*apt, *command], check=False, stdout=subprocess.DEVNULL, env=environment)
    if any(shutil.which(name) for name in NAMES):
        return 0
    print("The tests of the pages need Chromium. On Debian or Ubuntu: apt-get install chromium", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
