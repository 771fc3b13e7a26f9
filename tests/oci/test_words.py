"""Laws of the small words: digests, platforms, instants, blobs."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import (
    CacheError,
    ConfigurationError,
    ContentError,
    DigestMismatchError,
    InvalidReferenceError,
    SizeMismatchError,
)
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.instant import Instant
from pyjib.oci.platform import Platform


@given(st.binary(max_size=100))
def test_digest_of_bytes(data: bytes) -> None:
    digest = Digest.of(data)
    assert str(digest) == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert Digest.parse(str(digest)) == digest
    state = digest.hasher()
    state.update(data)
    assert Digest.finish(state) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 63 + "\n",
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "\u0661" * 64,
        "sha512:" + "a" * 64,
        "md5:" + "0" * 32,
        "sha256:../../x",
        "SHA256:" + "a" * 64,
    ],
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(InvalidReferenceError):
        Digest.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_a_digest_or_an_error(text: str) -> None:
    with contextlib.suppress(InvalidReferenceError):
        assert str(Digest.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("linux/amd64", "linux/amd64"),
        (" Linux/X86_64 ", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_platforms(text: str, parsed: str) -> None:
    assert str(Platform.parse(text)) == parsed


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/am d64"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        Platform.parse(text)
    assert "linux/amd64" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("asked", "there", "accepted"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/amd64", "windows/amd64", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/arm/v7", "linux/arm", False),
        ("linux/arm", "linux/arm/v6", True),
    ],
)
def test_accepts(asked: str, there: str, accepted: bool) -> None:
    assert Platform.parse(asked).accepts(Platform.parse(there)) is accepted


words = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(words, words, st.one_of(st.none(), words))
def test_platform_round_trip(os: str, architecture: str, variant: str | None) -> None:
    platform = Platform.parse(str(Platform(os=os, architecture=architecture, variant=variant)))
    assert Platform.parse(str(platform)) == platform
    assert platform.accepts(platform)


moments = st.integers(
    min_value=-62_135_596_800 * 10**9, max_value=253_402_300_799 * 10**9 + 999_999_999
)


@given(moments)
def test_instant_round_trip(nanoseconds: int) -> None:
    instant = Instant(nanoseconds)
    assert Instant.parse(str(instant)) == instant
    assert instant.seconds * 10**9 + instant.fraction == nanoseconds
    assert str(instant).endswith("Z")
    assert len(str(instant).partition(".")[2]) in (0, 4, 7, 10)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001
def test_instant_agrees_with_datetime(moment: datetime) -> None:
    text = moment.replace(tzinfo=UTC).isoformat()
    seconds = (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001
    assert Instant.parse(text).seconds == seconds


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-05-01T14:00:00+02:00", "2024-05-01T12:00:00Z"),
        ("2024-05-01T14:00:00+02", "2024-05-01T12:00:00Z"),
        ("2024-05-01T14:00:00.5+0200", "2024-05-01T12:00:00.500Z"),
        ("2024-05-01T12:00Z", "2024-05-01T12:00:00Z"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_instants(text: str, same: str) -> None:
    assert str(Instant.parse(text)) == same


@pytest.mark.parametrize(
    "text", ["", "now", "2024-05-01", "2024-05-01T12:00:00", "2024-13-01T00:00:00Z", "12"]
)
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Instant.parse(text)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_blobs_read_as_they_are(data: bytes, step: int) -> None:
    blob = Blob.of_bytes(data, "x/y")
    for _ in range(2):
        with blob.open() as reader:
            assert b"".join(iter(lambda: reader.read(step), b"")) == data
    assert blob.read(len(data)) == data


@given(st.binary(min_size=1, max_size=300), st.data())
def test_every_flipped_bit_is_caught(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) * 8 - 1))
    damaged = bytearray(data)
    damaged[place // 8] ^= 1 << place % 8
    told: list[str] = []
    blob = Blob(
        descriptor=Descriptor.of(data, "x/y"),
        opener=lambda: io.BytesIO(damaged),
        discard=lambda: told.append("discarded"),
    )
    with blob.open() as reader, pytest.raises(DigestMismatchError) as caught:
        reader.read()
    assert told == ["discarded"]
    assert "the copy in the cache was damaged" in str(caught.value.hint)


class Unreadable(io.RawIOBase):
    def read(self, size: int = -1, /) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


def test_what_the_disk_refuses_is_no_foreign_error() -> None:
    def denied() -> BinaryIO:
        raise PermissionError(errno.EACCES, "Permission denied")

    of = Descriptor.of(b"x", "x/y")
    with pytest.raises(CacheError, match=f"cannot read {of.digest}: Permission denied"):
        Blob(descriptor=of, opener=denied).open()

    def none_left() -> BinaryIO:
        raise OSError(errno.EMFILE, "Too many open files")

    with pytest.raises(CacheError) as caught:
        Blob(descriptor=of, opener=none_left).open()
    assert "ulimit -n" in str(caught.value.hint)
    broken = Blob(descriptor=of, opener=lambda: cast(BinaryIO, Unreadable()))
    with broken.open() as reader, pytest.raises(CacheError, match="Input/output error") as caught:
        reader.read()
    assert caught.value.hint


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=10))
def test_missing_and_added_bytes_are_caught(data: bytes, more: bytes) -> None:
    whole = Descriptor.of(data + more, "x/y")
    short = Blob(descriptor=whole, opener=lambda: io.BytesIO(data))
    long = Blob(descriptor=Descriptor.of(data, "x/y"), opener=lambda: io.BytesIO(data + more))
    for blob in (short, long):
        with blob.open() as reader, pytest.raises(SizeMismatchError):
            reader.read()


def test_documents_have_a_limit() -> None:
    with pytest.raises(ContentError):
        Blob.of_bytes(b"12345", "x/y").read(4)
