from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line, with an empty home and an empty cache."""
    home = tmp_path / "home"
    home.mkdir()
    return Cli(home=home)
