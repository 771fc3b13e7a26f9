from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError, ProjectError
from pyjib.layer.tar import tar_size, write_tar
from pyjib.oci.instant import Instant
from pyjib.plan.model import LayerEntry, LayerPlan
from pyjib.project.model import DiskFile, InlineFile
from tests.support.layers import TRICKY_ENTRIES, directory_entry, file_entry


def pack(*entries: LayerEntry, time_records: bool = True) -> bytes:
    out = io.BytesIO()
    write_tar(entries, out, time_records=time_records, check=lambda: None)
    return out.getvalue()


def layer(*entries: LayerEntry, time_records: bool = True) -> bytes:
    return pack(*LayerPlan.of("layer", entries).entries, time_records=time_records)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def records(*entries: LayerEntry, time_records: bool = True) -> bytes:
    """Return the body of the first entry's PAX header."""
    data = pack(*entries, time_records=time_records)
    assert data[156:157] == b"x"
    return data[512 : 512 + int(data[124:135], 8)]


def header(entry: LayerEntry) -> bytes:
    return pack(entry, time_records=False)[:512]


@dataclass
class ChangingFile:
    """Says that it has another size than it gives."""

    content: bytes
    size: int

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)

    def fingerprint(self) -> None:
        return None

    def describe(self) -> str:
        return "changing"


class TestGoldenVectors:
    """Digests that Jib's own code gave."""

    def test_one_file(self) -> None:
        data = layer(file_entry("/app/foo.txt", b"hello\n"))
        assert len(data) == 4608
        assert sha256(data) == "b1d468800b0cc47ae0ec7cb98891452fba0cba86a18bd9e1b4f4b8bcef7a3367"

    def test_jvm_argument_files(self) -> None:
        data = layer(
            file_entry(
                "/app/jib-classpath-file", b"/app/resources:/app/classes:/app/libs/a-1.0.jar"
            ),
            file_entry("/app/jib-main-class-file", b"com.example.Main"),
        )
        assert len(data) == 6656
        assert sha256(data) == "90346b2fdae0af37ad2193a407bade41eb102b9bb05132b838813b5736ee4eae"

    @pytest.mark.parametrize(
        ("time_records", "size", "digest"),
        [
            (False, 24576, "7a8aa0af305b7022ee370da89412a14245d20def838907b962fc585930dbc6a1"),
            (True, 34816, "04607e8e4adfd2458cb0407209b9ad8f48d4c52746907d65f47a0e38e27992c1"),
        ],
        ids=["commons-compress 1.21", "commons-compress 1.26"],
    )
    def test_tricky_entries(self, time_records: bool, size: int, digest: str) -> None:
        data = layer(*TRICKY_ENTRIES, time_records=time_records)
        assert len(data) == size
        assert sha256(data) == digest


class TestHeader:
    def test_octal_fields_end_in_a_space(self) -> None:
        data = header(file_entry("/a", b"12345", mode=0o751, mtime=83, owner="8:64"))
        assert data[100:148] == b"0100751 0000010 0000100 00000000005 00000000123 "
        assert data[148:156].endswith(b"\0 ")
        assert data[156:158] == b"0\0"
        assert data[257:265] == b"ustar\x0000"
        assert data[329:345] == b"0000000 0000000 "
        assert not data[345:].strip(b"\0")

    def test_checksum_counts_itself_as_spaces(self) -> None:
        data = header(file_entry("/a"))
        assert int(data[148:154], 8) == sum(data[:148]) + 8 * 32 + sum(data[156:])

    def test_directory(self) -> None:
        data = header(directory_entry("/a/b", mode=0o700))
        assert data[:5] == b"a/b/\0"
        assert data[100:108] == b"0040700 "
        assert data[156:157] == b"5"

    @pytest.mark.parametrize(
        ("owner", "uid", "gid", "user", "group"),
        [
            ("", 0, 0, b"", b""),
            ("1000", 1000, 0, b"", b""),
            ("1000:", 1000, 0, b"", b""),
            (":20", 0, 20, b"", b""),
            ("+7:users", 7, 0, b"", b"users"),
            ("app:1:2", 0, 0, b"app", b"1:2"),
            ("-5", 0, 0, b"", b""),
            ("2097151:2097152", 2097151, 0, b"", b""),
            ("u" * 40, 0, 0, b"u" * 32, b""),
            ("ö" * 17, 0, 0, "ö".encode() * 16, b""),
            ("1 ", 0, 0, b"1 ", b""),
        ],
    )
    def test_owner(self, owner: str, uid: int, gid: int, user: bytes, group: bytes) -> None:
        data = pack(file_entry("/a", owner=owner))
        data = data[1024:] if data[156:157] == b"x" else data
        assert (int(data[108:115], 8), int(data[116:123], 8)) == (uid, gid)
        assert data[265:297].rstrip(b"\0") == user
        assert data[297:329].rstrip(b"\0") == group

    @pytest.mark.parametrize(
        ("name", "field"),
        [
            ("n" * 99, b"n" * 99),
            ("n" * 100, b"n" * 100),
            ("n" * 101, b"n" * 100),
            ("n" * 99 + "ö", b"n" * 99),
            ("n" * 98 + "😀", b"n" * 98 + b"?"),
            ("😀" * 30, "😀".encode() * 25),
        ],
    )
    def test_name_is_cut_by_utf16_units(self, name: str, field: bytes) -> None:
        data = pack(file_entry(f"/{name}"))
        start = len(data) - 1024 - 512
        assert data[start : start + 100].rstrip(b"\0") == field

    def test_name_that_is_not_unicode_is_an_error(self) -> None:
        with pytest.raises(ProjectError, match="not valid Unicode"):
            pack(file_entry("/app/caf\udce9"))


class TestPaxRecords:
    def test_default(self) -> None:
        assert records(file_entry("/a")) == (
            b"11 atime=1\n11 ctime=1\n29 LIBARCHIVE.creationtime=1\n"
        )

    def test_none_before_jib_3_4_2(self) -> None:
        assert pack(file_entry("/a"), time_records=False)[156:157] == b"0"
        assert len(pack(file_entry("/a"), time_records=False)) == 512 + 1024

    def test_order_of_all(self) -> None:
        entry = file_entry("/" + "n" * 100, mtime="2020-01-01T00:00:00.5Z", owner="-5:3000000")
        keys = [line.split(b" ", 1)[1].split(b"=")[0] for line in records(entry).splitlines()]
        assert keys == [
            b"path",
            b"uid",
            b"gid",
            b"atime",
            b"ctime",
            b"mtime",
            b"LIBARCHIVE.creationtime",
        ]

    @pytest.mark.parametrize(("length", "has_path"), [(99, False), (100, True)])
    def test_path_from_a_hundred_bytes(self, length: int, has_path: bool) -> None:
        assert (b" path=" in records(file_entry("/" + "n" * length))) is has_path
        assert (b" path=" in records(file_entry("/" + "n" * (length - 2) + "ö"))) is has_path

    def test_length_is_the_first_that_is_right(self) -> None:
        body = records(file_entry("/a", owner="-5"), time_records=False)
        assert body == b"10 uid=-5\n"

    @pytest.mark.parametrize(
        ("mtime", "text"),
        [
            ("1970-01-01T00:00:02Z", b"2"),
            ("1970-01-01T00:00:01.678Z", b"1.6780000"),
            ("1970-01-01T00:00:01.123456789Z", b"1.1234567"),
            ("1970-01-01T00:00:01.005Z", b"1.5000000"),
            ("1970-01-01T00:00:01.000000001Z", b"1.1000000"),
            ("1960-01-02T03:04:05.5Z", b"-315521755.5000000"),
            ("1969-12-31T23:59:59Z", b"-1"),
        ],
    )
    def test_fraction_is_jibs_not_the_true_one(self, mtime: str, text: bytes) -> None:
        body = records(file_entry("/a", mtime=mtime))
        assert b" atime=" + text + b"\n" in body
        assert body.count(b"=" + text + b"\n") == (3 if text == b"2" else 4)

    @pytest.mark.parametrize(
        ("nanoseconds", "seconds"),
        [(-1, 0), (-999_000_000, 0), (-1_000_000_000, -1), (-1_500_000_000, -1)],
    )
    def test_older_times_are_cut_toward_zero(self, nanoseconds: int, seconds: int) -> None:
        # The first of these is -1 ms for Java: it rounds down to milliseconds, then cuts.
        entry = LayerEntry(target="/a", source=InlineFile(b""), mtime=Instant(nanoseconds))
        data = pack(entry, time_records=False)
        if seconds == 0:
            assert data[156:157] == b"0"
            assert data[136:148] == b"00000000000 "
        else:
            assert data[512:].startswith(b"12 mtime=-1\n")

    def test_time_that_needs_twelve_digits(self) -> None:
        largest = 0o77777777777
        assert b" mtime=" not in records(file_entry("/a", mtime=largest))
        body = records(file_entry("/a", mtime=largest + 1), time_records=False)
        assert body == b"20 mtime=8589934592\n"

    def test_name_of_the_header(self) -> None:
        data = pack(file_entry("/app\\x/grüße/日"))
        assert data[:100].rstrip(b"\0") == b"./PaxHeaders.X/app_x_gr|_e_e"
        data = pack(directory_entry("/" + "d" * 90))
        assert data[:100] == b"./PaxHeaders.X/" + b"d" * 84 + b"\0"
        assert data[100:108] == b"0100644 "

    def test_size_beyond_eight_gibibytes(self) -> None:
        entry = LayerEntry(target="/big", source=ChangingFile(b"", size=8 << 30))
        out = io.BytesIO()
        with pytest.raises(ProjectError, match="had 8589934592 bytes, and now has 0"):
            write_tar([entry], out, time_records=True, check=lambda: None)
        data = out.getvalue()
        assert data[512:].startswith(b"11 atime=1\n19 size=8589934592\n11 ctime=1\n")
        assert data[1024 + 124 : 1024 + 136] == b"00000000000 "


class TestWriting:
    def test_empty_layer_is_two_zero_blocks(self) -> None:
        assert pack() == bytes(1024)

    @pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1])
    def test_content_is_padded(self, size: int) -> None:
        content = b"c" * size
        data = pack(file_entry("/a", content))
        assert len(data) % 512 == 0
        assert data[1536 : 1536 + size] == content
        assert not data[1536 + size :].strip(b"\0")
        assert len(data) == 1536 + (size + 511) // 512 * 512 + 1024

    @pytest.mark.parametrize("time_records", [True, False])
    def test_other_readers_understand_it(self, time_records: bool) -> None:
        data = layer(*TRICKY_ENTRIES, time_records=time_records)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            found = {member.name: member for member in tar}
        assert found["app/grüße.txt"].uid == 1000
        assert found["app/" + "名" * 40 + ".txt"].size == 4
        assert found["app/owner-negative"].uid == -5
        assert found["var/lib/" + "d" * 120].mode == 0o40700

    def test_size_is_known_beforehand(self) -> None:
        entries = LayerPlan.of("layer", TRICKY_ENTRIES).entries
        for time_records in (True, False):
            expected = len(pack(*entries, time_records=time_records))
            assert tar_size(entries, time_records=time_records) == expected

    def test_cancelled(self) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with pytest.raises(CancelledError):
            write_tar([file_entry("/a")], io.BytesIO(), time_records=True, check=cancellation.check)


class TestFilesThatCannotBePacked:
    @pytest.mark.parametrize("claim", [4, 6])
    def test_size_changed(self, claim: int) -> None:
        entry = LayerEntry(target="/a", source=ChangingFile(b"12345", claim))
        with pytest.raises(ProjectError, match=f"had {claim} bytes, and now has") as caught:
            pack(entry)
        assert caught.value.hint

    def test_missing(self, tmp_path: Path) -> None:
        entry = LayerEntry(target="/a", source=DiskFile(tmp_path / "no-such"))
        with pytest.raises(ProjectError, match=r"cannot read .*no-such"):
            pack(entry)


names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60
).filter(lambda name: name not in (".", ".."))


@given(
    st.lists(
        st.builds(
            file_entry,
            st.lists(names, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts)),
            st.binary(max_size=1100),
            mode=st.integers(0, 0o777),
            mtime=st.integers(0, 1 << 33),
            owner=st.sampled_from(["", "1:2", "app", "-3:+4", "名前:" + "g" * 33]),
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_what_is_written_can_be_read(entries: list[LayerEntry], time_records: bool) -> None:
    try:
        plan = LayerPlan.of("layer", entries)
    except ProjectError:  # one is a file where another needs a directory
        reject()
    data = pack(*plan.entries, time_records=time_records)
    assert len(data) == tar_size(plan.entries, time_records=time_records)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for entry in plan.entries:
            member = tar.next()
            assert member is not None
            assert member.name == entry.name.rstrip("/")
            assert member.mode & 0o777 == entry.mode
            assert member.mtime == entry.mtime.seconds
            if entry.source is not None:
                stream = tar.extractfile(member)
                assert stream is not None
                with entry.source.open() as source:
                    assert stream.read() == source.read()
        assert tar.next() is None
