"""Archives: what is read, and what is refused."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyjib.errors import ProjectError
from pyjib.project import zip_reader
from pyjib.project.zip_reader import read_archive
from tests.support.projects import write_archive

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


def patched(path: Path, old: bytes, new: bytes, count: int = -1) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, count))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        read_archive(path)
    assert caught.value.hint
    assert str(path) in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("size", [0, 1, 70_000, 1 << 20, (1 << 20) + 1, 3_000_001])
def test_members_come_out_as_they_went_in(tmp_path: Path, method: int, size: int) -> None:
    content = random.Random(size).randbytes(size // 2) + b"a" * (size - size // 2)
    jar = write_archive(tmp_path / "a.jar", {"x/y.bin": content, "z": b"end"}, method=method)
    member = read_archive(jar).members["x/y.bin"]
    assert member.size == size
    with member.open() as file:
        assert file.read(10) == content[:10]
        assert file.read() == content[10:]
        assert file.read(1) == b""
    with member.open() as file:  # reopenable
        chunks = iter(lambda: file.read(1 << 16), b"")
        assert b"".join(chunks) == content


def test_order_is_the_directory_s_and_files_are_sorted(tmp_path: Path) -> None:
    names = ["b/z", "b/a", "a-b", "a/c", "é", "B"]
    jar = write_archive(tmp_path / "a.jar", dict.fromkeys(names, b"x"), directories=False)
    archive = read_archive(jar)
    assert list(archive.members) == names
    paths = [file.path for file in archive.files_below()]
    assert paths == ["B", "a", "a-b", "a/c", "b", "b/a", "b/z", "é"]
    assert [file.path for file in archive.files_below("b/")] == ["a", "z"]
    assert archive.read("nothing") is None


def test_bytes_before_and_a_comment_behind(tmp_path: Path) -> None:
    """Boot's fully executable jars begin with a shell script."""
    jar = write_archive(tmp_path / "a.jar", {"a": b"one", "b": b"two" * 99})
    with zipfile.ZipFile(jar, "a") as archive:
        archive.comment = b"PK\x05\x06 is not the end"
    jar.write_bytes(b"#!/bin/sh\nexit 0\n" + jar.read_bytes())
    members = read_archive(jar).members
    assert [members[name].open().read() for name in "ab"] == [b"one", b"two" * 99]


def test_the_end_of_an_empty_archive_in_a_comment_is_no_end(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"x"})
    with zipfile.ZipFile(jar, "a") as archive:
        archive.comment = b"PK\5\6" + bytes(18) + b"."
    assert list(read_archive(jar).members) == ["a"]


def test_zip64(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        with archive.open("wide", "w", force_zip64=True) as file:
            file.write(b"hello")
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    archive_read = read_archive(jar)
    assert len(archive_read.members) == 70_001
    assert archive_read.read("wide") == b"hello"


def test_zip64_numbers_in_the_extra_field(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"hello"}, method=STORED)
    content = jar.read_bytes()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    extra = struct.pack("<HHL", 0x9999, 4, 1) + struct.pack("<HHQQ", 1, 16, 5, 5)
    header = bytearray(content[start:end])
    header[20:28] = b"\xff" * 8  # both sizes are elsewhere
    struct.pack_into("<H", header, 30, len(extra))
    tail = bytearray(content[end:])
    struct.pack_into("<L", tail, 12, len(header) + len(extra))
    jar.write_bytes(content[:start] + header + extra + tail)
    assert read_archive(jar).read("a") == b"hello"


def test_the_last_of_two_members_of_one_name_counts(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("a", b"first")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"last!")
    assert read_archive(jar).read("a") == b"last!"


def test_directories_are_listed_and_implied(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("empty/", b"")
        archive.writestr("a/b/c", b"")
        archive.writestr("./d//e", b"")
    assert read_archive(jar).directories == {"empty", "a", "a/b", "d"}
    assert "d/e" in read_archive(jar).members


def test_a_file_that_is_a_directory_too(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"", "a/b": b""}, directories=False)
    with pytest.raises(ProjectError, match="both a file and a directory"):
        read_archive(jar).files_below()


def test_a_file_that_is_a_directory_too_matters_where_it_lies(tmp_path: Path) -> None:
    names = ("x", "x/y", "in/z", "in/z/y", "ok/a")
    archive = read_archive(
        write_archive(tmp_path / "a.jar", dict.fromkeys(names, b""), directories=False)
    )
    with pytest.raises(ProjectError, match="'in/z' is both"):
        archive.files_below("in/")
    assert [file.path for file in archive.files_below("ok/")] == ["a"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "leads out"),
        ("../up", "leads out"),
        ("a/../../up", "leads out"),
        ("a/..", "leads out"),
        ("a\\b", "backslash"),
        ("a@b", "zero byte"),
    ],
)
def test_refused_names(tmp_path: Path, name: str, reason: str) -> None:
    placeholder = "q" * len(name)
    jar = write_archive(tmp_path / "a.jar", {placeholder: b""}, directories=False)
    patched(jar, placeholder.encode(), name.replace("@", "\0").encode())
    assert reason in refusal(jar)


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"qq": b""})
    assert "not UTF-8" in refusal(patched(jar, b"qq", b"\xff\xfe"))


def header_patch(offset: int, data: bytes) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        start = content.index(b"PK\x01\x02") + offset
        return content[:start] + data + content[start + len(data) :]

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (header_patch(8, b"\x01\x00"), "encrypted"),
        (header_patch(10, b"\x0c\x00"), "compression method 12"),
        (header_patch(20, b"\xff\xff\xff\x7f"), "does not lie within the archive"),
        (header_patch(42, b"\xff\xff\xff\x7f"), "does not lie within the archive"),
        (header_patch(28, b"\xff\xff"), "ends too early"),
        (lambda content: content[:-1], "not a jar"),
        (lambda content: content[: len(content) // 2], "not a jar"),
        (lambda _: b"", "not a jar"),
        (lambda _: b"PK" * 1000, "not a jar"),
        (lambda content: content.replace(b"\x01\0\x01\0", b"\x05\0\x05\0"), "ends too early"),
    ],
)
def test_damage_in_the_directory(
    tmp_path: Path, change: Callable[[bytes], bytes], reason: str
) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"hello" * 100})
    jar.write_bytes(change(jar.read_bytes()))
    assert reason in refusal(jar)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (header_patch(16, b"\0\0\0\0"), "CRC-32"),
        (header_patch(24, b"\xf5\x01\0\0"), "does not have the 501 bytes"),
        (header_patch(24, b"\xf3\x01\0\0"), "does not have the 499 bytes"),
        (header_patch(20, b"\x03\0\0\0"), "does not have the 500 bytes"),
        (lambda content: content.replace(b"PK\x03\x04", b"PK\x03\x05", 1), "not where"),
        (lambda content: content[:31] + b"\xff\xff\xff" + content[34:], "damaged"),
    ],
)
def test_damage_in_a_member(tmp_path: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"hello" * 100})
    jar.write_bytes(change(jar.read_bytes()))
    member = read_archive(jar).members["a"]
    with pytest.raises(ProjectError, match=reason) as caught, member.open() as file:
        file.read()
    assert f"{jar}!/a" in caught.value.message
    assert caught.value.hint


def test_a_large_member_with_damage_fails_at_its_end_and_is_closed(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(2_000_000)
    jar = write_archive(tmp_path / "a.jar", {"a": content}, method=STORED)
    jar.write_bytes(jar.read_bytes().replace(content[-9:], b"123456789"))
    with read_archive(jar).members["a"].open() as file:
        chunks = iter(lambda: file.read(1 << 16), b"")
        with pytest.raises(ProjectError, match="CRC-32"):
            list(chunks)


def test_an_archive_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": os.urandom(1000), "b": b"x"}, method=STORED)
    members = read_archive(jar).members
    jar.write_bytes(jar.read_bytes()[:500])
    for name, reason in {"a": "ends within", "b": "ends before"}.items():
        with pytest.raises(ProjectError, match=reason):
            members[name].open()
    jar.unlink()
    with pytest.raises(ProjectError, match="cannot read"):
        members["a"].open()


def test_a_bomb_by_ratio(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"zeros": bytes(12 << 20)})
    assert "would grow to" in refusal(jar)


def test_a_bomb_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MAX_SIZE", 99)
    jar = write_archive(tmp_path / "a.jar", {"a": bytes(100)}, method=STORED)
    assert "would grow to 100" in refusal(jar)


def test_a_bomb_by_overlap(tmp_path: Path) -> None:
    """Many entries name the same bytes, so that no single one grows by much."""
    jar = write_archive(tmp_path / "a.jar", {"0000": os.urandom(1 << 18)}, method=STORED)
    content = jar.read_bytes()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    header = content[start:end]
    headers = b"".join(header.replace(b"0000", b"%04d" % number) for number in range(9999))
    tail = bytearray(content[end:])
    struct.pack_into("<HHL", tail, 8, 9999, 9999, len(headers))
    jar.write_bytes(content[:start] + headers + tail)
    assert "would grow to" in refusal(jar)


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "MAX_MEMBERS", 3)
    jar = write_archive(tmp_path / "a.jar", dict.fromkeys("abcd", b""))
    assert "4 members" in refusal(jar)


def test_more_members_than_the_end_of_the_archive_counts(tmp_path: Path) -> None:
    """Of 65,538 members a tool without ZIP64 counts two; Java finds all."""
    jar = write_archive(tmp_path / "a.jar", dict.fromkeys("abcd", b"x"))
    patched(jar, struct.pack("<HH", 4, 4), struct.pack("<HH", 2, 2))
    assert list(read_archive(jar).members) == list("abcd")
    patched(jar, struct.pack("<HH", 2, 2), struct.pack("<HH", 0, 0))
    assert list(read_archive(jar).members) == list("abcd")


def test_too_many_members_that_the_end_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_reader, "MAX_MEMBERS", 3)
    jar = write_archive(tmp_path / "a.jar", dict.fromkeys("abcd", b""))
    patched(jar, struct.pack("<HH", 4, 4), struct.pack("<HH", 1, 1))
    assert "4 members" in refusal(jar)


def test_an_honest_archive_of_zeros_up_to_ten_mebibytes(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"zeros": bytes(10 << 20)})
    assert read_archive(jar).members["zeros"].size == 10 << 20


def test_a_manifest_that_is_too_large(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"12345"})
    with pytest.raises(ProjectError, match="5 bytes are too many"):
        read_archive(jar).read("a", limit=4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_a_pipe_is_no_archive_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jar")
    with pytest.raises(ProjectError, match="not a regular file"):
        read_archive(tmp_path / "pipe.jar")


def test_an_archive_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot read"):
        read_archive(tmp_path / "missing.jar")
    with pytest.raises(ProjectError, match="cannot read"):
        read_archive(tmp_path)


def test_fingerprints(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "a.jar", {"a": b"1", "b": b"1"})
    before = [member.fingerprint() for member in read_archive(jar).members.values()]
    assert len(set(before)) == 2
    assert before == [member.fingerprint() for member in read_archive(jar).members.values()]
    os.utime(jar, ns=(1, 1))
    after = [member.fingerprint() for member in read_archive(jar).members.values()]
    assert not set(before) & set(after)


SAMPLE_FILES = {"META-INF/MANIFEST.MF": b"Main-Class: A\n", "a/b.txt": b"hello " * 40, "c": b""}


def sample() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", DEFLATED) as archive:
        for name, content in SAMPLE_FILES.items():
            archive.writestr(zipfile.ZipInfo(name), content, DEFLATED)
    return stream.getvalue()


@settings(max_examples=300)
@given(place=st.integers(0, len(sample()) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_gives_other_content_or_another_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    """Names, dates and attributes carry no checksum; all content does."""
    content = bytearray(sample())
    content[place] ^= 1 << bit
    jar = tmp_path_factory.getbasetemp() / "flipped.jar"
    jar.write_bytes(content)
    try:
        archive = read_archive(jar)
        for member in archive.members.values():
            with member.open() as file:
                assert file.read() in SAMPLE_FILES.values()
        archive.files_below()
    except ProjectError:
        pass
