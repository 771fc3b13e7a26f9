from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_demo_shows_what_it_does() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    headings = re.findall(r"^([1-4])\. ", done.stdout, re.MULTILINE)
    assert headings == ["1", "2", "3", "4"]
    assert done.stdout.count("$ pyjib build") == 2
    first, again = re.findall(r"docker-hello@(sha256:[0-9a-f]{64})$", done.stdout, re.MULTILINE)
    assert first == again
    assert f"linux/amd64  manifest {first}" in done.stdout
    assert len(re.findall(r"^  sha256:.* bytes  diff id ", done.stdout, re.MULTILINE)) == 5
