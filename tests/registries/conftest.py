"""Registries of every kind for the client suite, and clients that wait for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.clients import Watched, watched
from tests.support.go_programs import GoPrograms
from tests.support.go_registries import Registries


@pytest.fixture(scope="session")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registries]:
    """Registries, started when a test first asks for one."""
    programs = GoPrograms(tmp_path_factory.mktemp("go"))
    with Registries(programs, tmp_path_factory.mktemp("registries")) as started:
        yield started


@pytest.fixture
def it() -> Iterator[Watched]:
    """A client without a login."""
    with watched() as started:
        yield started
