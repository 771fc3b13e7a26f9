from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given

from pyjib.options import Mode
from pyjib.project.classfile import MalformedClassError, find_main, read_version
from pyjib.project.manifest import parse_manifest
from pyjib.project.read import read_project
from pyjib.project.zip_reader import read_archive
from tests.support.fuzzing import damaged, fuzz, survives
from tests.support.projects import (
    boot_files,
    main_class,
    manifest,
    write_archive,
    write_boot_jar,
    write_thin_jar,
    write_war,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zips")


def jars() -> tuple[bytes, ...]:
    import tempfile  # noqa: PLC0415  strategies are made before fixtures are

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        small = {"META-INF/MANIFEST.MF": manifest(Main_Class="A"), "a/b/c/A.class": main_class("A")}
        paths = [
            write_archive(root / "a.jar", small),
            write_archive(root / "b.jar", small, method=zipfile.ZIP_STORED),
            write_thin_jar(root / "c.jar", ["lib/a.jar"]),
            write_boot_jar(root / "d.jar", libraries=["one-1.0.jar"], layers={"dependencies": []}),
            write_war(root / "e.war", boot=True),
        ]
        return tuple(path.read_bytes() for path in paths)


JARS = jars()
FIELDS = (
    *(b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\xff" * 4),
    *(b"\xff" * 2, b"\xff" * 8, b"\0" * 4, b"\0" * 8, b"\x08\0", b"\x01\0\x10\0", b"a/" * 3000),
    *(b"Class-Path: %00 a\0b ../x\r\n", b"Class-Path: " + b"x.jar " * 3000, b"\n " * 3000),
    *(b"Main-Class: \xff\r\n", b"Spring-Boot-Version: 9\r\n", b"Start-Class: \0\r\n"),
)


def deep_jar() -> bytes:
    """A jar with names of 64 KB that imply 32,000 directories each."""
    records = b""
    for number in range(20):
        name = f"{number:02}/".encode() + b"a/" * 32_000 + b"f"
        records += struct.pack(
            "<4s4xHH4xLLLHHH8xL", b"PK\x01\x02", 0, 0, 0, 0, 0, len(name), 0, 0, 0
        )
        records += name
    return records + struct.pack("<4s6xHLLH", b"PK\x05\x06", 20, len(records), 0, 0)


@given(data=damaged(JARS, FIELDS))
@example(data=deep_jar())
@fuzz
def test_archives(data: bytes, place: Path) -> None:
    path = place / "a.jar"
    path.write_bytes(data)
    survives(read_all, path)


def read_all(path: Path) -> None:
    archive = read_archive(path)
    for name in archive.members:
        archive.read(name)
    archive.files_below()


@given(data=damaged(JARS, FIELDS))
@fuzz
def test_projects(data: bytes, place: Path) -> None:
    for name in ("app.jar", "app.war"):
        path = place / name
        path.write_bytes(data)
        for mode in Mode:
            survives(lambda: read_project(path, mode=mode))  # noqa: B023  called at once


@given(data=damaged([boot_files()["META-INF/MANIFEST.MF"], manifest(Class_Path="a b")], FIELDS))
@fuzz
def test_manifests(data: bytes) -> None:
    survives(parse_manifest, data)


@given(data=damaged([main_class(), main_class("B", text="x" * 300)], (b"\x05", b"\xff\xff")))
@fuzz
def test_classes(data: bytes) -> None:
    def read() -> None:
        try:
            read_version(data[:8])
            find_main(data)
        except MalformedClassError:
            pass  # what the reader's callers expect

    survives(read)
