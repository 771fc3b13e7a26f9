"""Repositories on disk: an OCI image layout in the directory of each repository's name.

::

    ROOT/library/app/oci-layout
                     index.json                tags, and manifests without one
                     blobs/sha256/<hex>
                     _uploads/<id>             what is on its way in

Files appear under their final names complete or not at all. A directory put there by another
program is served as it is. The files of a blob that was mounted are one file (a hard link),
for nobody ever writes into a blob.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pyjib.errors import DestinationError, InvalidReferenceError
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump
from pyjib.oci.layout import INDEX_FILE, LAYOUT_FILE, VERSION, blob_path
from pyjib.serve.catalogue import EMPTY_INDEX
from pyjib.serve.names import is_name
from pyjib.serve.storage import CHUNK

_UPLOADS = "_uploads"  # no repository has a component that begins with an underscore
_LAYOUT = dump({"imageLayoutVersion": VERSION})


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of a file."""

    path: Path
    size: int

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` on."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while length > 0:
                data = file.read(min(length, CHUNK))
                if not data:
                    raise OSError(f"{self.path} became shorter while it was read")
                length -= len(data)
                yield data

    def file(self) -> BinaryIO | None:
        """Open the file."""
        return self.path.open("rb")


class DiskStorage:
    """See ``Storage``. Nothing is written, not even ``root``, before the first upload."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._placing = threading.Lock()

    def repositories(self) -> list[str]:
        """Return the names of all repositories, sorted."""
        found = []
        for directory, below, files in os.walk(self._root):
            name = Path(directory).relative_to(self._root).as_posix()
            if INDEX_FILE in files and is_name(name):
                found.append(name)
            below[:] = [part for part in below if is_name(part)]
        return sorted(found)

    def index(self, repository: str) -> bytes | None:
        """Return a repository's ``index.json``, or ``None`` if there is no such repository."""
        try:
            return (self._directory(repository) / INDEX_FILE).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def stamp(self, repository: str) -> object:
        """Return what tells one ``index.json`` from another, without reading it."""
        try:
            status = (self._directory(repository) / INDEX_FILE).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def put_index(self, repository: str, data: bytes) -> None:
        """Replace ``index.json``."""
        self._replace(self._directory(repository) / INDEX_FILE, data)

    def blob(self, repository: str, digest: Digest) -> FileContent | None:
        """Return a blob of this repository.

        A symbolic link is none: one in a foreign layout could lead anywhere.
        """
        path = self._blob_path(repository, digest)
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileContent(path, status.st_size) if stat.S_ISREG(status.st_mode) else None

    def delete_blob(self, repository: str, digest: Digest, *, age: float | None = None) -> bool:
        """Delete a blob, unless it was put again within ``age`` seconds; tell whether it was."""
        path = self._blob_path(repository, digest)
        try:
            with self._placing:
                if age is not None and not self._is_old(repository, path, age):
                    return False
                path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _is_old(self, repository: str, path: Path, age: float) -> bool:
        now = _now_in(self._directory(repository) / _UPLOADS)
        return now - path.lstat().st_mtime >= age

    def link_blob(self, source: str, target: str, digest: Digest) -> bool:
        """Make a blob of one repository one of another too; false if the first has none."""
        content = self.blob(source, digest)
        if content is None:
            return False
        temporary = self._new_upload(target)
        try:
            try:
                os.link(content.path, temporary)
            except FileNotFoundError:  # deleted just now
                return False
            except OSError:  # no hard links on this file system
                shutil.copyfile(content.path, temporary)
                with temporary.open("rb+") as file:
                    _to_disk(file)
            self.place(target, temporary, digest, is_sure=False)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def stage(self, repository: str) -> DiskStaging:
        """Begin to take in a blob for this repository."""
        return DiskStaging(self, repository, self._new_upload(repository))

    def place(
        self, repository: str, temporary: Path, digest: Digest, *, is_sure: bool = True
    ) -> None:
        """Give a complete file its final name, and make the layout around it if need be.

        One that ``is_sure`` to have the digest takes the place of one of another size.
        """
        self._ensure_layout(repository)
        final = self._blob_path(repository, digest)
        final.parent.mkdir(parents=True, exist_ok=True)
        with self._placing:
            known = self.blob(repository, digest)
            # A file that is being read cannot be replaced on Windows, nor need it be, unless
            # somebody else has cut it short.
            if known is None or (is_sure and known.size != temporary.stat().st_size):
                temporary.replace(final)
            with contextlib.suppress(OSError):
                os.utime(final)  # a link has the age of what it was linked from

    def create(self, repository: str) -> None:
        """Make an empty repository, if there is none of the name."""
        self._directory(repository).mkdir(parents=True, exist_ok=True)
        self._ensure_layout(repository)

    def old_blobs(self, repository: str, age: float) -> list[Digest]:
        """Return the blobs that have not been put or linked again for ``age`` seconds."""
        directory = self._directory(repository)
        now = _now_in(directory / _UPLOADS)
        found = []
        for path in directory.glob("blobs/*/*"):
            with contextlib.suppress(OSError, InvalidReferenceError):
                digest = Digest.parse(f"{path.parent.name}:{path.name}")
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and now - status.st_mtime >= age:
                    found.append(digest)
        return found

    def check_writable(self) -> None:
        """Raise ``DestinationError`` if the root cannot be written in, or not be made."""
        try:
            above = (self._root, *self._root.absolute().parents)
            place = next((path for path in above if path.exists()), self._root)
            tempfile.TemporaryFile(dir=place).close()
        except OSError as error:
            raise DestinationError(
                f"cannot keep repositories in {self._root}: {error.strerror or error}",
                hint="name a directory with --root that can be written in, or serve what one has "
                "with --read-only",
            ) from None

    def remove_leftovers(self, age: float) -> None:
        """Remove uploads that nobody has added to for ``age`` seconds: their server was killed."""
        for directory, below, _ in os.walk(self._root):
            uploads = Path(directory) / _UPLOADS
            if _UPLOADS in below:
                _remove_old_files(uploads, age)
            below[:] = [part for part in below if is_name(part)]

    def _directory(self, repository: str) -> Path:
        return self._root.joinpath(*repository.split("/"))

    def _blob_path(self, repository: str, digest: Digest) -> Path:
        return self._directory(repository) / blob_path(digest)

    def _new_upload(self, repository: str) -> Path:
        directory = self._directory(repository) / _UPLOADS
        directory.mkdir(parents=True, exist_ok=True)
        return directory / str(uuid.uuid4())

    def _ensure_layout(self, repository: str) -> None:
        directory = self._directory(repository)
        with self._lock:
            if not (directory / LAYOUT_FILE).exists():
                self._replace(directory / LAYOUT_FILE, _LAYOUT)
            if not (directory / INDEX_FILE).exists():
                self._replace(directory / INDEX_FILE, EMPTY_INDEX)

    def _replace(self, path: Path, data: bytes) -> None:
        temporary = path.parent / _UPLOADS / str(uuid.uuid4())
        temporary.parent.mkdir(exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                _to_disk(file)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


class DiskStaging:
    """See ``Staging``."""

    def __init__(self, storage: DiskStorage, repository: str, path: Path) -> None:
        self._storage = storage
        self._repository = repository
        self._path = path
        self._file = path.open("xb")
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        self._file.write(data)
        self._size += len(data)

    def content(self) -> FileContent:
        """Return what was written so far."""
        self._file.flush()
        return FileContent(self._path, self._size)

    def commit(self, digest: Digest) -> None:
        """Make the bytes the repository's blob ``digest``."""
        try:
            _to_disk(self._file)
            self._file.close()
            self._storage.place(self._repository, self._path, digest)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the file that has not become a blob."""
        with contextlib.suppress(OSError):  # on a full disk closing fails, and does close
            self._file.close()
        self._path.unlink(missing_ok=True)


def _remove_old_files(directory: Path, age: float) -> None:
    with contextlib.suppress(OSError):  # not ours to write in, or gone: it can wait
        files = list(directory.iterdir())
        if not files:
            return
        now = _now_in(directory)
        for file in files:
            if now - file.stat().st_mtime > age:
                file.unlink(missing_ok=True)


def _now_in(directory: Path) -> float:
    """Return the time by the clock of the file system, which dates the other files too."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / str(uuid.uuid4())
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
