from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.layer.pieces import PIECE, ahead_of, in_order, tar_pieces
from pyjib.layer.tar import write_tar
from pyjib.plan.model import LayerEntry
from tests.support.layers import LargeFile, file_entry


def large(target: str, size: int) -> LayerEntry:
    return LayerEntry(target=target, source=LargeFile(size))


def pieces(*entries: LayerEntry) -> list[bytes]:
    return list(tar_pieces(entries, time_records=True, check=lambda: None))


def tar(*entries: LayerEntry) -> bytes:
    out = io.BytesIO()
    write_tar(entries, out, time_records=True, check=lambda: None)
    return out.getvalue()


SIZES = st.one_of(
    st.integers(0, 3000),
    st.integers(PIECE - 3000, PIECE + 3000),
    st.integers(2 * PIECE - 3000, 2 * PIECE + 3000),
)


class TestPieces:
    @given(sizes=st.lists(SIZES, max_size=6))
    def test_joined_they_are_the_tar(self, sizes: list[int]) -> None:
        entries = [large(f"/{place}", size) for place, size in enumerate(sizes)]
        found = pieces(*entries)
        assert b"".join(found) == tar(*entries)
        assert all(0 < len(piece) <= PIECE for piece in found)

    def test_a_large_file_has_its_own(self) -> None:
        jar = large("/jar", 5 * PIECE // 2)
        alone = pieces(jar)[:-1]
        among = pieces(file_entry("/a", b"a"), large("/b", PIECE // 3), jar, large("/c", PIECE))
        assert len(alone) == 3
        assert among[1:4] == alone

    def test_small_files_share_them(self) -> None:
        found = pieces(*(file_entry(f"/{number}", bytes(100_000)) for number in range(15)))
        run = 15 * (100_000 + 352 + 3 * 512)  # content, padding to blocks, and three headers
        assert [len(piece) for piece in found] == [
            PIECE,
            11 * run // 15 - PIECE,
            4 * run // 15,
            1024,
        ]

    def test_an_empty_tar(self) -> None:
        assert pieces() == [bytes(1024)]


class TestInOrder:
    def test_order_is_that_of_the_pieces(self) -> None:
        first_may_end = threading.Event()

        def work(piece: bytes) -> bytes:
            if piece == b"1":
                assert first_may_end.wait(60)
            else:
                first_may_end.set()
            return piece * 2

        with ThreadPoolExecutor(2) as pool:
            found = list(in_order(work, [b"1", b"2", b"3"], pool, ahead=2))
        assert found == [b"11", b"22", b"33"]

    @pytest.mark.parametrize("ahead", [1, 3])
    def test_no_more_than_some_are_taken_ahead(self, ahead: int) -> None:
        taken = 0

        def source() -> list[bytes]:
            nonlocal taken
            taken += 1
            return [b"x"]

        with ThreadPoolExecutor(2) as pool:
            results = in_order(
                lambda piece: piece, (source()[0] for _ in range(9)), pool, ahead=ahead
            )
            next(results)
            assert taken == ahead + 1
            results.close()  # type: ignore[attr-defined]

    def test_a_failure_is_raised_and_the_rest_cancelled(self) -> None:
        done = []

        def work(piece: bytes) -> bytes:
            done.append(piece)
            if piece == b"bad":
                raise ValueError(piece)
            return piece

        with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="bad"):
            list(in_order(work, [b"good", b"bad", b"2", b"3"], pool, ahead=2))
        assert b"3" not in done


def test_looking_keeps_the_order_and_ends_before_the_pieces_do() -> None:
    seen: list[bytes] = []
    with ThreadPoolExecutor(1) as pool:
        found = list(ahead_of(seen.append, [b"1", b"2", b"3"], pool))
        assert found == seen == [b"1", b"2", b"3"]

        def refuse(piece: bytes) -> None:
            raise ValueError(piece)

        with pytest.raises(ValueError, match="1"):
            list(ahead_of(refuse, [b"1", b"2"], pool))
