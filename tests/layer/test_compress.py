from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import deflate
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError, ContentError
from pyjib.layer.compress import compressor, part_compressor, part_recipe_text, recipe_text
from pyjib.layer.decompress import decompressed, sniff
from pyjib.layer.tar import write_tar
from pyjib.oci.media_type import Compression
from pyjib.plan.model import LayerPlan
from tests.support.layers import LargeFile, file_entry
from tests.support.programs import require

GZIP, ZSTD, NONE = Compression.GZIP, Compression.ZSTD, Compression.NONE
methods = pytest.mark.parametrize("method", [NONE, GZIP, ZSTD])
coded = pytest.mark.parametrize("method", [GZIP, ZSTD])


def compress(data: bytes, method: Compression, level: int | None = None) -> bytes:
    return compress_chunks([data], method, level)


def compress_chunks(chunks: list[bytes], method: Compression, level: int | None = None) -> bytes:
    state = compressor(method, level, 0xFF)
    return b"".join([*map(state.compress, chunks), state.flush()])


def decompress(data: bytes, method: Compression) -> bytes:
    return decompressed(io.BytesIO(data), method).read()


class Dribble(io.RawIOBase):
    """Gives a byte at a time, as a slow connection may."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._source = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(min(size, 1) if size >= 0 else 1)


class TestParts:
    @coded
    @given(parts=st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=4))
    def test_joined_they_are_one_content(self, method: Compression, parts: list[bytes]) -> None:
        packed = b"".join(map(part_compressor(method, None), parts))
        assert decompress(packed, method) == b"".join(parts)

    @coded
    @pytest.mark.peers
    def test_others_read_them(self, method: Compression) -> None:
        packed = b"".join(map(part_compressor(method, None), [b"abc" * 999, b"def" * 999]))
        program = {GZIP: ["gzip", "-dc"], ZSTD: ["zstd", "-dc"]}[method]
        found = subprocess.run(
            [require(program[0]), *program[1:]], input=packed, capture_output=True, check=True
        )
        assert found.stdout == b"abc" * 999 + b"def" * 999

    def test_bytes_of_gzip(self) -> None:
        """Libdeflate's bytes, recorded once: another release may have others, no processor."""
        text = b"".join(b"line %d of many lines\n" % (number * number) for number in range(9999))
        packed = part_compressor(GZIP, None)(text)
        assert packed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
        if deflate.__version__ == "0.9.0":
            assert hashlib.sha256(packed).hexdigest() == (
                "6435e8b9a289c8113a4fb4edd91cced2c27aa5870ea2f969fcd3616b51c7b127"
            )

    def test_gzip_stores_what_is_compressed_already(self) -> None:
        noise, text = random.Random(7).randbytes(1 << 18), b"abcdefgh" * (1 << 15)
        packed = part_compressor(GZIP, None)(text + noise + text)
        assert decompress(packed, GZIP) == text + noise + text
        assert noise[:60_000] in packed
        assert len(packed) < len(noise) + 4000
        alone = part_compressor(GZIP, 1)(text)
        assert packed.startswith(alone)
        assert packed.endswith(alone)

    @given(blocks=st.lists(st.sampled_from([0, 1, 2]), max_size=6), rest=st.integers(0, 1 << 16))
    def test_any_mixture_is_one_content(self, blocks: list[int], rest: int) -> None:
        kinds = (bytes(1 << 16), random.Random(7).randbytes(1 << 16), b"ab" * (1 << 15))
        part = b"".join(kinds[block] for block in blocks) + kinds[1][:rest]
        packed = part_compressor(GZIP, None)(part)
        assert decompress(packed, GZIP) == part
        assert len(packed) < len(part) + 200

    def test_an_empty_part_is_a_member(self) -> None:
        assert decompress(part_compressor(GZIP, None)(b""), GZIP) == b""

    def test_none_is_left_as_it_is(self) -> None:
        assert part_compressor(NONE, None)(b"abc") == b"abc"

    @coded
    def test_recipe_names_the_compressor(self, method: Compression) -> None:
        assert part_recipe_text(method, None) != part_recipe_text(method, 9)
        assert part_recipe_text(method, None) != recipe_text(method, None, 255)
        # By default gzip looks where it pays; zstd is as fast without.
        assert (part_recipe_text(method, None) == part_recipe_text(method, 1)) is (method is ZSTD)

    @coded
    def test_levels(self, method: Compression) -> None:
        with pytest.raises(ConfigurationError, match="no level 99"):
            part_compressor(method, 99)


class TestGolden:
    @pytest.mark.parametrize(
        ("gzip_os", "digest"),
        [
            (0xFF, "d5a05447a4edf0fa5da6f0a269fa527a0b089abbba89764dc535c7cd2f0eb864"),
            (0x00, "14ddfec3cefd2f9bae433609ab0c3098d19ac105bc4a29fb01425dcc95b73e7d"),
        ],
        ids=["JDK 16 and newer", "JDK 15 and older"],
    )
    @pytest.mark.skipif(
        not zlib.ZLIB_RUNTIME_VERSION.startswith(("1.2.", "1.3"))
        or "ng" in zlib.ZLIB_RUNTIME_VERSION,
        reason="another zlib than Java's gives other bytes",
    )
    def test_jibs_gzip(self, gzip_os: int, digest: str) -> None:
        tar = io.BytesIO()
        plan = LayerPlan.of("classes", [file_entry("/app/foo.txt", b"hello\n")])
        write_tar(plan.entries, tar, time_records=True, check=lambda: None)
        state = compressor(GZIP, None, gzip_os)
        packed = state.compress(tar.getvalue()) + state.flush()
        assert len(packed) == 242
        assert hashlib.sha256(packed).hexdigest() == digest

    def test_gzip_header_has_no_time_and_no_flags(self) -> None:
        assert compress(b"", GZIP)[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
        assert compress(b"x", GZIP, 9)[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"

    def test_zstd_frame_has_a_checksum_and_no_size(self) -> None:
        parameters = zstandard.get_frame_parameters(compress(b"content" * 1000, ZSTD))
        assert parameters.has_checksum
        assert parameters.content_size == zstandard.CONTENTSIZE_UNKNOWN


class TestRoundTrip:
    @methods
    @given(data=st.binary(max_size=5000))
    def test_any_bytes(self, method: Compression, data: bytes) -> None:
        packed = compress(data, method)
        assert decompress(packed, method) == data
        assert decompressed(io.BytesIO(packed), method).read(7) == data[:7]

    @methods
    @given(chunks=st.lists(st.binary(max_size=300), max_size=12))
    def test_chunks_do_not_matter(self, method: Compression, chunks: list[bytes]) -> None:
        assert compress_chunks(chunks, method) == compress(b"".join(chunks), method)

    @coded
    def test_large_chunks_do_not_matter(self, method: Compression) -> None:
        with LargeFile(3_000_000).open() as stream:
            data = stream.read(3_000_000)
        chunks = [data[at : at + 70_001] for at in range(0, len(data), 70_001)]
        assert compress_chunks(chunks, method) == compress(data, method)
        assert compress_chunks([data[:1], data[1:]], method) == compress(data, method)

    @coded
    def test_a_byte_at_a_time(self, method: Compression) -> None:
        data = bytes(range(256)) * 30
        packed = compress(data, method)
        assert decompressed(Dribble(packed), method).read() == data  # type: ignore[arg-type]

    @pytest.mark.parametrize("level", [1, 6, 9])
    def test_others_read_our_gzip(self, level: int) -> None:
        assert gzip.decompress(compress(b"abc" * 999, GZIP, level)) == b"abc" * 999

    @pytest.mark.parametrize("level", [1, 19])
    def test_others_read_our_zstd(self, level: int) -> None:
        packed = compress(b"abc" * 999, ZSTD, level)
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == b"abc" * 999


class TestReadingOthers:
    @coded
    def test_members_and_frames_are_one_content(self, method: Compression) -> None:
        packed = b"".join(compress(part, method) for part in (b"one", b"", b"two" * 90_000))
        assert decompress(packed, method) == b"one" + b"two" * 90_000
        assert decompressed(Dribble(packed), method).read() == b"one" + b"two" * 90_000  # type: ignore[arg-type]

    def test_gzip_with_a_name_and_padding(self) -> None:
        out = io.BytesIO()
        with gzip.GzipFile("layer.tar", "wb", fileobj=out, mtime=5) as stream:
            stream.write(b"content")
        assert decompress(out.getvalue() + bytes(700), GZIP) == b"content"

    @pytest.mark.parametrize("magic", [b"\x50", b"\x5f"])
    def test_skippable_zstd_frames(self, magic: bytes) -> None:
        skippable = magic + b"\x2a\x4d\x18\x03\0\0\0abc"
        packed = skippable + compress(b"content", ZSTD) + skippable
        assert sniff(packed) is ZSTD
        assert decompress(packed, ZSTD) == b"content"

    @pytest.mark.parametrize(
        "options",
        [
            {"write_checksum": False},
            {"write_content_size": True},
            {"level": 19},
            {"level": 1, "write_checksum": True},
        ],
    )
    def test_zstd_of_every_shape(self, options: dict[str, int]) -> None:
        tool = zstandard.ZstdCompressor(**options)  # type: ignore[arg-type]
        for data in (b"", b"x", b"ab" * 100, bytes(1 << 20), bytes(range(256)) * 4096):
            assert decompress(tool.compress(data), ZSTD) == data

    @pytest.mark.parametrize(
        ("head", "method"),
        [
            (b"\x1f\x8b\x08\0", GZIP),
            (b"\x28\xb5\x2f\xfd", ZSTD),
            (b"app/", NONE),
            (b"", NONE),
            (b"\x28\xb5", NONE),
        ],
    )
    def test_sniff(self, head: bytes, method: Compression) -> None:
        assert sniff(head) is method

    @methods
    def test_stream_stays_open(self, method: Compression) -> None:
        source = io.BytesIO(compress(b"content", method))
        reader = decompressed(source, method)
        assert reader.read() == b"content"
        if method is not NONE:
            reader.close()
        assert not source.closed


class TestDamage:
    @coded
    def test_every_truncation_is_noticed(self, method: Compression) -> None:
        packed = compress(bytes(range(256)) * 3, method)
        for length in range(len(packed)):
            with pytest.raises(ContentError, match="cut short"):
                decompress(packed[:length], method)

    @coded
    def test_truncation_in_the_second_member(self, method: Compression) -> None:
        packed = compress(b"one", method) + compress(b"two", method)[:-1]
        with pytest.raises(ContentError, match="cut short"):
            decompress(packed, method)

    @coded
    @given(data=st.binary(min_size=1, max_size=500), position=st.integers(0), bit=st.integers(0, 7))
    def test_every_flip_is_noticed(
        self, method: Compression, data: bytes, position: int, bit: int
    ) -> None:
        packed = bytearray(compress(data, method))
        position %= len(packed)
        if method is GZIP and position in {4, 5, 6, 7, 8, 9}:
            return  # time, XFL and operating system have no check
        packed[position] ^= 1 << bit
        try:
            found = decompress(bytes(packed), method)
        except ContentError:
            return
        assert found == data  # some bits of a header are free

    @coded
    @pytest.mark.parametrize("rest", [b"x", b"trailing garbage", b"\0\0\0\0x"])
    def test_garbage_behind(self, method: Compression, rest: bytes) -> None:
        with pytest.raises(ContentError, match=r"damaged|cut short"):
            decompress(compress(b"content", method) + rest, method)

    @coded
    def test_not_compressed_at_all(self, method: Compression) -> None:
        with pytest.raises(ContentError, match="damaged"):
            decompress(b"app/classes/" + bytes(500), method)

    def test_zstd_block_of_an_impossible_size(self) -> None:
        packed = b"\x28\xb5\x2f\xfd\x00\x58" + (0x1FFFFF << 3 | 1).to_bytes(3, "little")
        with pytest.raises(ContentError, match="damaged"):
            decompress(packed + bytes(100), ZSTD)


@methods
def test_levels(method: Compression) -> None:
    if method is NONE:
        assert recipe_text(method, 99, 0) == "none"
        return
    for level in (0, 23):
        with pytest.raises(ConfigurationError, match=f"no level {level}"):
            compressor(method, level, 0xFF)
    assert recipe_text(method, None, 0) == recipe_text(method, 6 if method is GZIP else 3, 0)
    assert recipe_text(method, None, 0) != recipe_text(method, 1, 0)


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(lambda: (compress(bytes(64 << 20), GZIP, 1), GZIP), id="gzip"),
        pytest.param(
            # A frame of 512 run-length blocks, each four bytes for 128 KiB.
            lambda: (
                b"\x28\xb5\x2f\xfd\x00\x38"
                + (128 << 10 << 3 | 2).to_bytes(3, "little")
                + (b"\0" + (128 << 10 << 3 | 2).to_bytes(3, "little")) * 510
                + b"\0"
                + (128 << 10 << 3 | 3).to_bytes(3, "little")
                + b"\0",
                ZSTD,
            ),
            id="zstd",
        ),
    ],
)
def test_memory_is_flat(
    bomb: Callable[[], tuple[bytes, Compression]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyjib.layer.decompress.HARMLESS_SIZE", 64 << 20)
    packed, method = bomb()
    tracemalloc.start()
    try:
        reader = decompressed(io.BytesIO(packed), method)
        total = 0
        while chunk := reader.read(1 << 16):
            total += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 64 << 20
    assert peak < 8 << 20


@pytest.mark.parametrize("method", [GZIP, ZSTD])
class TestBombs:
    """Registry specification, section 5: what unpacks to more than anybody needs."""

    def test_by_ratio(self, method: Compression) -> None:
        packed = compress(bytes(32 << 20), method, 9)
        if method is GZIP:  # as small as it gets is a file of zeros, which is nobody's bomb
            assert decompress(packed, method) == bytes(32 << 20)
            return
        with pytest.raises(ContentError, match="grows beyond all measure") as caught:
            decompress(packed, method)
        assert "zeros are taken if gzip" in (caught.value.hint or "")

    def test_ten_mebibytes_are_harmless(self, method: Compression) -> None:
        assert decompress(compress(bytes(10 << 20), method, 9), method) == bytes(10 << 20)

    def test_by_size(self, method: Compression, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pyjib.layer.decompress.MAX_SIZE", 1 << 20)
        data = os.urandom(1 << 20)
        assert decompress(compress(data, method), method) == data
        with pytest.raises(ContentError, match="grows beyond all measure"):
            decompress(compress(data + b"x", method), method)


def test_zstandard_is_imported_by_need_only() -> None:
    code = (
        "import sys; import pyjib.layer.compress as c;"
        "c.compressor(c.Compression.GZIP, None, 255);"
        "sys.exit('zstandard' in sys.modules or 'deflate' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
