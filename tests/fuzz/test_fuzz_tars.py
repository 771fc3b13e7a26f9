from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyjib.base.archive import read_archive
from pyjib.compare.tar_walk import TarWalk
from pyjib.image.validate_layer import validate_layer
from pyjib.layer.decompress import decompressed
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import Compression, ImageFormat
from tests.support.bases import base_tools, docker_save, tar_file
from tests.support.fuzzing import damaged, fuzz, survives
from tests.support.images import compress, random_image, tar_of

MIB = 1 << 20
IMAGE = random_image(1, size=600)


def pax_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("ä" * 60 + "/" + "b" * 90)
        entry.size, entry.mtime = 700, 1.5
        entry.pax_headers = {"SCHILY.xattr.user.a": "b", "comment": "c"}
        tar.addfile(entry, io.BytesIO(bytes(700)))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.LNKTYPE, "x" * 150
        tar.addfile(link)
    return buffer.getvalue()


def header(kind: bytes, size: bytes | int = 0, name: str = "a") -> bytes:
    """Return a header with a checksum that is right."""
    entry = tarfile.TarInfo(name)
    entry.type = kind
    block = bytearray(entry.tobuf(tarfile.GNU_FORMAT)[:512])
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    return rightly_summed(bytes(block))


def rightly_summed(data: bytes) -> bytes:
    """Give every block that may be a header the checksum that it should have."""
    blocks = [bytearray(data[at : at + 512]) for at in range(0, len(data), 512)]
    for block in blocks:
        if len(block) == 512 and b"ustar" in block[257:265]:
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
    return b"".join(map(bytes, blocks))


def pax(records: bytes) -> bytes:
    return header(b"x", len(records)) + records + bytes(-len(records) % 512)


TARS = (
    tar_of({"data/": b"", "data/a.bin": b"x" * 900, "b" * 130: b"y"}),
    pax_tar(),
    tar_file(docker_save(IMAGE)),
    header(b"S", 512) + bytes(1024),
    pax(b"22 GNU.sparse.major=1\n") + header(b"0", 512) + b"1\n0\n9\n" + bytes(1530),
)
NUMBERS = (
    *(b"-0000000001\0", b"\x80" + bytes(10) + b"\x01", b"\xff" * 12, b"77777777777\0"),
    *(b"00000001000\0", b"0o000000007\0", b"1_000_000_0\0", b"ustar\000", b"ustar  \0"),
    *(b"12 size=9999\n", b"16 path=../../..\n", b"20 GNU.sparse.size=9", b"x", b"L", b"g", b"S"),
    *(header(b"x"), header(b"g"), header(b"L", 1 << 33), header(b"0", b"-0000001000\0")),
)
TAR_BYTES = damaged(TARS, NUMBERS) | damaged(TARS, NUMBERS).map(rightly_summed)

NEGATIVE = header(b"0", b"-0000001000\0") + bytes(2048)
ENDLESS = header(b"0") + NEGATIVE  # which leads back to itself
LONG_NUMBER = pax(b"5020 size=" + b"9" * 5009 + b"\n") + header(b"0") + bytes(1024)
MANY_EXTENSIONS = pax(b"10 a=bcde\n") * 3000 + header(b"0") + bytes(1024)
HUGE_NAME = header(b"L", 80 * MIB) + b"n" * (80 * MIB) + header(b"0") + bytes(1024)


def each_example(test):  # type: ignore[no-untyped-def]
    for data in (NEGATIVE, ENDLESS, LONG_NUMBER, MANY_EXTENSIONS):
        test = example(data=data)(test)
    return test


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@given(data=TAR_BYTES)
@each_example
@fuzz
def test_walks(data: bytes) -> None:
    def walk() -> None:
        for entry in TarWalk(io.BytesIO(data), lambda: None):
            while entry.content.read(4096):
                pass

    survives(walk)


@given(data=TAR_BYTES)
@each_example
@fuzz
def test_validation(data: bytes) -> None:
    survives(validate_tar, data)


def validate_tar(data: bytes) -> None:
    layer = Blob.of_bytes(
        compress(data, Compression.GZIP), types.layer_type(ImageFormat.OCI, Compression.GZIP)
    )
    validate_layer(layer, Digest.of(data), "layer")


@given(data=TAR_BYTES)
@each_example
@fuzz
def test_archives(data: bytes, store: Path) -> None:
    survives(read_base, data, store)


def read_base(data: bytes, store: Path) -> None:
    base = read_archive(
        lambda: io.BytesIO(data), name="tar://a.tar", platforms=(), tools=base_tools(store)
    )
    for image in base.images:
        for layer in image.layers:
            with layer.open() as file:
                file.read()


@pytest.mark.parametrize("read", [validate_tar, lambda data: read_base(data, Path())])
def test_a_name_of_80_megabytes_is_not_read(read) -> None:  # type: ignore[no-untyped-def]
    assert survives(read, HUGE_NAME) is None


COMPRESSED = tuple(
    compress(tar, how) for tar in TARS[:2] for how in (Compression.GZIP, Compression.ZSTD)
)
BOMB = zlib.compressobj(9, zlib.DEFLATED, 31)


@given(data=damaged(COMPRESSED), how=st.sampled_from((Compression.GZIP, Compression.ZSTD)))
@fuzz
def test_decompression(data: bytes, how: Compression) -> None:
    def read() -> None:
        stream = decompressed(io.BytesIO(data), how)
        while stream.read(1 << 16):
            pass

    survives(read)
