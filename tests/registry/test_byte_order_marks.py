"""Files of Docker, Podman and containerd that an editor of Windows has written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import HELLO, Cli


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            ".config/containers/registries.conf",
            '[[registry]]\r\nlocation = "r.example"\r\nblocked = true\r\n',
            "blocks r.example",
        ),
        (".docker/daemon.json", '{\r\n"registry-mirrors": [1]\r\n}', "registry-mirrors"),
        (".config/containerd/certs.d/r.example/hosts.toml", "host = 1\r\n", "[host.ADDRESS]"),
    ],
)
def test_a_mark_is_passed_over(tmp_path: Path, name: str, text: str, said: str) -> None:
    """What each says wrong is told, and not that it is no JSON or TOML."""
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8-sig", newline="")
    done = Cli(home=tmp_path)("build", HELLO, "--from", "r.example/base:1", "--to", "tar://x.tar")
    assert done.code == 2
    assert said in done.stderr
    assert "it is not " not in done.stderr
