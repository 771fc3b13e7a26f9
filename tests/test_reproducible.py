"""The same files give the same digest, whatever the machine, the clock and the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "fixtures" / "docker-hello"
BASE = ROOT / "fixtures" / "base-image"

GOLDEN = {
    "docker": "sha256:a6be62ffed0ea1eb7becb32a138d63e71b49f075b912585f59318deff88faf97",
    "oci": "sha256:10bc9977ba3f860be38a1075d79b9396242710f007f93c13c8d47b6a5451d5a5",
}
"""The digests of fixtures/docker-hello on fixtures/base-image, recorded once.

They change only when the fixtures do, or when pyjib gives other bytes to everybody.
"""


def build(app: Path, target: Path, image_format: str, mask: int, **variables: str) -> str:
    """Build in a process of its own and return the digest of its archive's image."""
    metadata = target.with_suffix(".json")
    command = [sys.executable, "-m", "pyjib", "build", str(app), "--from", f"oci://{BASE}:17-jre"]
    command += ["--to", f"tar://{target}", "--metadata-file", str(metadata)]
    command += ["--format", image_format, "--platform", "linux/amd64", "--name", "app:1"]
    environment = {
        **os.environ,
        "HOME": str(target.parent),
        "PYJIB_CACHE": str(target.parent / "cache"),
        **variables,
    }
    subprocess.run(command, env=environment, check=True, capture_output=True, umask=mask)
    return str(json.loads(metadata.read_text())["imageDigest"])


@pytest.mark.parametrize("image_format", ["docker", "oci"])
def test_two_checkouts_give_one_image(tmp_path: Path, image_format: str) -> None:
    archives = []
    for place, (name, zone, mask, seed) in enumerate(
        [("one", "Asia/Tokyo", 0o022, "0"), ("two/deeper", "America/Lima", 0o077, "4711")]
    ):
        checkout = tmp_path / name / "app"
        copy(APP, checkout, mask=mask, time=1_000_000_000 + 86_400 * place, backwards=place == 1)
        target = tmp_path / name / "app.tar"
        digest = build(checkout, target, image_format, mask, TZ=zone, PYTHONHASHSEED=seed)
        assert digest == GOLDEN[image_format]
        archives.append(target.read_bytes())
    assert archives[0] == archives[1]


def copy(source: Path, target: Path, *, mask: int, time: int, backwards: bool) -> None:
    """Copy a tree as another checkout would hold it: other modes, times and directory order."""
    target.mkdir(parents=True)
    for entry in sorted(source.iterdir(), reverse=backwards):
        if entry.is_dir():
            copy(entry, target / entry.name, mask=mask, time=time, backwards=backwards)
        else:
            shutil.copyfile(entry, target / entry.name)
            (target / entry.name).chmod(0o666 & ~mask)
            os.utime(target / entry.name, (time, time))
    target.chmod(0o777 & ~mask)
