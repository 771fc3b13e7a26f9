"""The fifty faults of the specification have a test each, by number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults
TEST = re.compile(r"^def test_fault_(\d\d)_", re.MULTILINE)


def test_every_fault_has_a_test() -> None:
    files = Path(__file__).parent.glob("test_fault_*.py")
    found = {int(number) for file in files for number in TEST.findall(file.read_text())}
    assert found == set(range(1, 51))
