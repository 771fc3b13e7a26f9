"""A blob that is sent while it is still being made: POST, one PATCH without a length, PUT.

Nothing depends on it. Whatever goes wrong, the stream is *declined*: what is written to it from
then on is dropped, and the blob is pushed as any other once it is made. So nothing is repeated
here, and no registry is waited for longer than it is worth.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace

from pyjib.errors import CancelledError, DigestMismatchError, PyjibError, SizeMismatchError
from pyjib.events import (
    Direction,
    TransferAbandoned,
    TransferFinished,
    TransferNamed,
    TransferProgress,
    TransferStarted,
)
from pyjib.oci.descriptor import Descriptor
from pyjib.patience import SLICE
from pyjib.registry.calls.ladder import Manners
from pyjib.registry.calls.pipe import BrokenOffError, Pipe
from pyjib.registry.calls.upload_session import UploadSession, check_stored
from pyjib.registry.net.message import NOTHING, PATIENCE, Body, Call
from pyjib.registry.net.retry import Passing
from pyjib.registry.session import Session


class BlobStream:
    """Takes the bytes of one blob from one thread; see ``RegistryClient.blob_stream``.

    ``check`` is called by whoever waits, and may raise to give up. ``finished`` is called with
    what the bytes turned out to be, and tells whether the blob is still wanted.
    """

    def __init__(
        self,
        check: Callable[[], None] = lambda: None,
        finished: Callable[[BlobStream, Descriptor], bool] = lambda *_: False,
    ) -> None:
        self.pipe = Pipe(check)
        self.descriptor: Descriptor | None = None
        self.result: Future[bool] = Future()
        self._finished = finished

    @classmethod
    def declined(cls) -> BlobStream:
        """Return a stream that drops everything."""
        stream = cls()
        stream.decline()
        return stream

    def write(self, data: bytes | bytearray) -> None:
        """Hand over the next bytes, which nobody changes any more.

        Waits while 8 MiB have not been sent yet, and raises ``CancelledError`` then; nothing
        else is ever raised.
        """
        self.pipe.write(data)

    def finish(self, descriptor: Descriptor) -> None:
        """Say that there are no more bytes, and what they are; does not wait.

        Without exactly as many bytes as described, nothing becomes of them.
        """
        if self.pipe.broken:
            return
        self.descriptor = descriptor
        whole = self.pipe.written == descriptor.size
        if whole and self._finished(self, descriptor):
            self.pipe.end()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Say that the bytes will not become a blob; does not wait."""
        self.pipe.break_off()

    def decline(self) -> None:
        """Drop what was and will be written."""
        self.result.set_result(False)
        self.pipe.break_off()

    def fail(self, error: BaseException) -> None:
        """Drop what is written; ``error`` is raised in who waits for the blob."""
        self.result.set_exception(error)
        self.pipe.break_off()

    def arrived(self, check: Callable[[], None]) -> bool:
        """Wait for a finished stream, and tell whether the registry has made a blob of it.

        Raises ``DigestMismatchError`` where it says that it made another, and what ``check``
        raises, which is called now and then.
        """
        while not self.result.done():
            check()
            if self.pipe.broken and not self.result.done():
                return False  # abandoned; whatever else breaks a pipe is the result before
            with contextlib.suppress(TimeoutError):
                self.result.exception(timeout=SLICE)
        return self.result.result()


class StreamSender:
    """Sends one stream, in a thread of its own; ``start`` is the call that begins a session.

    ``is_wanted`` asks whether sending is worth a try; ``started`` is the event that tells of it.
    Once the registry has begun a session, it is given the time that any upload is.
    """

    def __init__(
        self,
        session: Session,
        start: Call,
        stream: BlobStream,
        manners: Manners,
        is_wanted: Callable[[], bool],
        started: TransferStarted,
    ) -> None:
        self._session = session
        self._start = start
        self._stream = stream
        self._manners = manners
        self._is_wanted = is_wanted
        self._started = started
        self._key = started.key
        self._upload: UploadSession | None = None
        self._begun = self._whole = False

    def run(self) -> None:
        """Send, and let the stream know what became of it."""
        try:
            self._try()
        except BaseException as error:
            if self._stream.result.done():
                raise
            self._stream.fail(error)  # raised again in who waits for the blob

    def _try(self) -> None:
        try:
            arrived = self._is_wanted() and self._send()
        except DigestMismatchError:
            self._tell_end()
            raise
        except (Passing, PyjibError, BrokenOffError) as failure:
            self._give_up(failure)
        else:
            if arrived:
                self._stream.result.set_result(True)
            else:
                self._stream.decline()

    def _send(self) -> bool:
        reply = self._session.once(self._start)
        patient = replace(self._start, patience=PATIENCE)
        upload = self._upload = UploadSession(self._session, patient, reply)
        self._stream.pipe.flow()
        self._tell_start()
        reply = upload.patch(Body(size=None, chunks=self._chunks))
        found = self._stream.descriptor
        if found is None or not self._whole or not upload.keeps_all(reply, found.size):
            raise SizeMismatchError(f"{self._start.registry} has not taken all that was sent")
        if self._stream.pipe.broken:
            raise BrokenOffError
        check_stored(self._start.registry, found.digest, upload.put(NOTHING, found.digest))
        self._session.listener(
            TransferFinished(direction=Direction.PUSH, key=self._key, size=found.size)
        )
        return True

    def _chunks(self) -> Iterator[memoryview]:
        """Yield what is to be sent."""
        done, named = 0, False
        for chunk in self._stream.pipe.chunks():
            yield chunk
            done += len(chunk)
            if not named and self._stream.descriptor is not None:
                named = True
                self._tell_name(self._stream.descriptor)
            self._session.listener(
                TransferProgress(direction=Direction.PUSH, key=self._key, done=done)
            )
        found = self._stream.descriptor
        if found is not None and not named:
            self._tell_name(found)
        self._whole = found is not None and done == found.size

    def _give_up(self, failure: Passing | PyjibError | BrokenOffError) -> None:
        if isinstance(failure, Passing) and failure.after is not None:
            # Whoever pushes the blob instead waits for as long as the registry has asked for.
            self._session.attempts(self._start, most=2).again(failure)
        if not isinstance(failure, (BrokenOffError, CancelledError)):
            self._manners.failed_stream()
        self._stream.decline()
        self._tell_end()
        if self._upload is not None:
            self._upload.cancel()

    def _tell_start(self) -> None:
        self._begun = True
        self._session.listener(self._started)

    def _tell_name(self, found: Descriptor) -> None:
        label = f"layer {found.digest.short}"
        self._session.listener(
            TransferNamed(direction=Direction.PUSH, key=self._key, label=label, total=found.size)
        )

    def _tell_end(self) -> None:
        if self._begun:
            self._session.listener(TransferAbandoned(direction=Direction.PUSH, key=self._key))
