"""The resolver's rules as vectors, each observed running Maven."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.maven import MavenRepository
from tests.support.maven_graph import resolve, words
from tests.support.maven_vectors import VECTORS, Vector, write_libraries


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> MavenRepository:
    found = MavenRepository(tmp_path_factory.mktemp("repository"))
    write_libraries(found)
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_vector(vector: Vector, repository: MavenRepository, tmp_path: Path) -> None:
    resolution = resolve(vector.write(tmp_path), repository, vector.arguments)
    assert words(resolution.libraries) == vector.expected
    assert not resolution.warnings
