"""What must hold after anything: of a registry's directory, a store, an archive, a layout.

Each check reads the bytes on disk by itself, without the code that wrote them as far as that can
be, and returns what is wrong, in words; nothing is an empty list.
"""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SEGMENT = struct.Struct(">8sI")


def check_registry(root: Path) -> list[str]:
    """Every tag leads to a manifest, and that to content, all of it there and right."""
    wrong = []
    for index in sorted(root.rglob("index.json")):
        wrong += check_layout(index.parent)
    return wrong


def check_layout(directory: Path) -> list[str]:
    """Every blob has its name's digest, and whatever the index names is there, all the way."""
    wrong = [f"{path} is not its digest" for path in _blobs(directory) if not _is_right(path)]
    try:
        index = json.loads((directory / "index.json").read_bytes())
        for entry in index["manifests"]:
            wrong += _check_below(directory, entry)
    except (OSError, ValueError, KeyError) as error:
        wrong.append(f"{directory}: {error!r}")
    return wrong


def tags(root: Path) -> dict[tuple[str, str], str]:
    """Return the digests of all tags of a registry, by repository and tag."""
    return {
        (path.parent.relative_to(root).as_posix(), tag): digest
        for path in root.rglob("index.json")
        for tag, digest in tags_of_layout(path.parent).items()
    }


def tags_of_layout(directory: Path) -> dict[str, str]:
    """Return the digests of a layout's tags."""
    found = {}
    for entry in json.loads((directory / "index.json").read_bytes())["manifests"]:
        tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
        if tag:
            found[tag] = entry["digest"]
    return found


def check_store(root: Path) -> list[str]:
    """Blobs are what they are called, records and segments whole."""
    wrong = [f"{path} is not its digest" for path in _blobs(root) if not _is_right(path)]
    for path in _files(root / "layers"):
        try:
            record = json.loads(path.read_bytes())
            blob = root / "blobs" / record["descriptor"]["digest"].replace(":", "/")
            if blob.exists() and blob.stat().st_size != record["descriptor"]["size"]:
                wrong.append(f"{path} has another size than its blob")
        except (ValueError, KeyError) as error:
            wrong.append(f"{path} is no record: {error!r}")
    for path in _files(root / "files"):
        data = path.read_bytes()
        if _SEGMENT.unpack_from(data) != (b"pyjibfd1", zlib.crc32(data[_SEGMENT.size :])):
            wrong.append(f"{path} is a damaged segment")
    return wrong


def blobs_of(root: Path) -> set[str]:
    """Return the names of a store's blobs."""
    return {path.name for path in _blobs(root)}


def leftovers(root: Path) -> list[Path]:
    """Return what was on its way when somebody was killed, below any directory."""
    return [
        path
        for path in _files(root)
        if path.parent.name in ("tmp", "_uploads") or path.name.endswith(".partial")
    ]


def check_archive(path: Path) -> list[str]:
    """An archive is a whole tar, with every blob right."""
    wrong = []
    names = set()
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                names.add(member.name)
                file = tar.extractfile(member)
                data = file.read() if file else b""
                digest = member.name.rpartition("/")[2]
                if member.name.startswith("blobs/") and digest != _sha256(data):
                    wrong.append(f"{path}: {member.name} is not its digest")
        if path.read_bytes()[-1024:].strip(b"\0"):
            wrong.append(f"{path} has no end")
    except (OSError, tarfile.TarError) as error:
        wrong.append(f"{path}: {error!r}")
    missing = {"oci-layout", "index.json", "manifest.json"} - names
    return [*wrong, *(f"{path} lacks {name}" for name in missing)]


def archive_digest(path: Path) -> str:
    """Return the digest of the image in an archive."""
    with tarfile.open(path) as tar:
        file = tar.extractfile("index.json")
        assert file is not None
        return str(json.loads(file.read())["manifests"][0]["digest"])


def _check_below(directory: Path, descriptor: dict[str, Any]) -> Iterator[str]:
    digest = descriptor["digest"]
    path = directory / "blobs" / digest.replace(":", "/")
    if not path.is_file():
        yield f"{directory} lacks {digest}"
        return
    if path.stat().st_size != descriptor["size"]:
        yield f"{path} has not the {descriptor['size']} bytes of its descriptor"
    kind = descriptor["mediaType"]
    if "manifest" in kind or "index" in kind:
        document = json.loads(path.read_bytes())
        named = [document.get("config"), *document.get("layers", ())]
        for below in [*filter(None, named), *document.get("manifests", ())]:
            yield from _check_below(directory, below)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_READ: dict[Path, tuple[int, ...]] = {}
"""What the files that were right when they were read were then."""


def _is_right(path: Path) -> bool:
    status = path.stat()
    state = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if _READ.get(path) == state:
        return True
    with path.open("rb") as file:
        is_right = hashlib.file_digest(file, path.parent.name).hexdigest() == path.name
    if is_right:
        _READ[path] = state
    return is_right


def _blobs(root: Path) -> list[Path]:
    return [path for path in _files(root / "blobs") if not path.name.endswith(".partial")]


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
