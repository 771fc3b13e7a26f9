"""What other processes do to a store in ``tests/store``; importable by processes anew."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path

from pyjib.errors import CacheError
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.store.store import LayerRecord, Store

MEDIA_TYPE = "application/octet-stream"


def content(number: int) -> bytes:
    return b"%d\n" % number * 20_000


def write_all(root: Path, blobs: int, connection: Connection) -> None:
    """Write every blob, a record and file digests for each, several times over."""
    try:
        for number in [*range(blobs), *reversed(range(blobs))]:
            store = Store(root)
            data = content(number)
            with store.writer() as writer:
                for start in range(0, len(data), 10_000):
                    writer.write(data[start : start + 10_000])
                blob = writer.commit(MEDIA_TYPE, Descriptor.of(data, MEDIA_TYPE))
            record = LayerRecord(descriptor=blob.descriptor, diff_id=Digest.of(data))
            store.put_layer(f"key {number}", record)
            fingerprint = f"file {number}\0{len(data)}\0001\0001\0001"
            store.remember_file_digests({fingerprint: Digest.of(data)}, started=store.clock())
            assert store.find(blob.descriptor) == blob
            assert store.get_layer(f"key {number}") == record
        connection.send("done")
    except BaseException as error:
        connection.send(repr(error))
        raise


def write_and_wait(root: Path, connection: Connection) -> None:
    """Write all of a blob but for its commit, and wait to be killed."""
    with Store(root).writer() as writer:
        writer.write(content(1))
        connection.send("written")
        time.sleep(600)


def write_beyond_limit(root: Path, limit: int, connection: Connection) -> None:
    """Write more than the system lets this process write to one file (POSIX)."""
    import resource  # noqa: PLC0415 - not on Windows

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    store = Store(root)
    try:
        with store.writer() as writer:
            for _ in range(2 * limit // 1000):
                writer.write(bytes(1000))
            writer.commit(MEDIA_TYPE)
    except CacheError as error:
        connection.send((error.message, error.hint))
    else:
        connection.send(("nothing failed", None))
