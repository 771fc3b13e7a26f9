from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ProjectError
from pyjib.oci.instant import EPOCH_PLUS_SECOND, Instant
from pyjib.plan.model import LayerEntry, LayerPlan
from tests.support.plans import SealedFile, targets


def file(target: str, **changes: object) -> LayerEntry:
    return LayerEntry(target=target, source=SealedFile(target), **changes)  # type: ignore[arg-type]


def directory(target: str, mode: int = 0o755) -> LayerEntry:
    return LayerEntry(target=target, mode=mode)


def test_parents_are_added_with_defaults() -> None:
    late = Instant.of_seconds(1_000_000)
    made = LayerPlan.of("x", [file("/a/b/c", mtime=late, mode=0o600, owner="7:7")])
    assert targets(made) == ["/a/", "/a/b/", "/a/b/c"]
    assert made.entries[:2] == (directory("/a"), directory("/a/b"))
    assert {entry.mtime for entry in made.entries[:2]} == {EPOCH_PLUS_SECOND}
    assert made.files == (made.entries[2],)


def test_the_first_of_two_entries_counts() -> None:
    made = LayerPlan.of("x", [file("/a", mode=0o600), file("//a", mode=0o644)])
    assert [entry.mode for entry in made.entries] == [0o600]


def test_a_directory_that_comes_after_what_it_holds_keeps_defaults() -> None:
    assert LayerPlan.of("x", [file("/a/b"), directory("/a", 0o700)]).entries[0].mode == 0o755
    assert LayerPlan.of("x", [directory("/a", 0o700), file("/a/b")]).entries[0].mode == 0o700


def test_order_is_by_utf16_units_with_the_slash_of_directories() -> None:
    paths = ["/a/x", "/a.b", "/a-b/x", "/a0", "/\uffee", "/\N{GRINNING FACE}"]
    made = LayerPlan.of("x", [file(path) for path in paths])
    assert targets(made) == [
        "/a-b/",
        "/a-b/x",
        "/a.b",
        "/a/",
        "/a/x",
        "/a0",
        "/\N{GRINNING FACE}",
        "/\uffee",
    ]


def test_the_root_itself_is_no_entry() -> None:
    assert LayerPlan.of("x", [directory("/")]).entries == ()


@pytest.mark.parametrize("target", ["/a/../../etc/passwd", "/..", "/a/./b", "/."])
def test_nothing_climbs_out(target: str) -> None:
    with pytest.raises(ProjectError, match="outside its place"):
        LayerPlan.of("x", [file(target)])


def test_dots_in_names_are_fine() -> None:
    assert targets(LayerPlan.of("x", [file("/...a..b")])) == ["/...a..b"]


def test_a_path_is_a_file_or_a_directory() -> None:
    with pytest.raises(ProjectError, match="a file and a directory /a"):
        LayerPlan.of("x", [file("/a"), file("/a/b")])


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=12))
def test_entries_are_unique_sorted_and_have_their_parents(paths: list[list[str]]) -> None:
    entries = [file("/" + "/".join([*parts, "file"])) for parts in paths]
    made = LayerPlan.of("x", entries)
    found = targets(made)
    assert found == sorted(set(found))
    assert set(found) >= {entry.target for entry in entries}
    assert all(f"{path.rstrip('/').rpartition('/')[0]}/" in {"/", *found} for path in found)
    assert LayerPlan.of("x", reversed(entries)) == made
