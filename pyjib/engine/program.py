"""A daemon that is talked to by a program with the commands of ``docker``.

Only for those who name the program (Jib's ``dockerClient.executable``): it is run when there is
something to load or to read, and never to see whether it is there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from pyjib.cancellation import Cancellation
from pyjib.engine.model import EngineInfo
from pyjib.errors import ConfigurationError, EngineError, InvalidReferenceError
from pyjib.oci.digest import Digest
from pyjib.oci.platform import normal_architecture
from pyjib.oci.reference import Reference
from pyjib.options import EngineProgram, HostEnvironment
from pyjib.programs import AsksError, Program, TooLongError

_CHUNK = 1 << 20
_LARGEST_ANSWER = 4 << 20
_LONGEST_COMPLAINT = 2000
_TIMEOUT = 600.0
_ABSENT = re.compile(r"no such (?:image|object)|image not known|not found", re.IGNORECASE)
_LOADED = re.compile(r"^Loaded image(?:\(s\)| ID)?: *(\S+)", re.MULTILINE)
_CONTAINERD_STORE = ["driver-type", "io.containerd.snapshotter.v1"]


class ProgramEngine:
    """Runs one program; raises ``ConfigurationError`` at once if it cannot be run."""

    def __init__(
        self,
        program: EngineProgram,
        host: HostEnvironment,
        *,
        cancellation: Cancellation | None = None,
    ) -> None:
        self._path = program.executable
        self._environment = {**host.variables, **dict(program.environment)}
        self._cancellation = cancellation or Cancellation()
        self._info: EngineInfo | None = None
        if not self._path.is_file() or not os.access(self._path, os.X_OK):
            raise ConfigurationError(
                f"the program to load images with, {self._path}, is not an executable file",
                hint="correct dockerClient.executable, or take it out to have pyjib talk to the "
                "daemon itself",
            )

    def __str__(self) -> str:
        return str(self._path)

    def info(self) -> EngineInfo:
        """Ask what it is, once: Docker and Podman answer in different words."""
        if self._info is None:
            document = self._json(self._run("info", "-f", "{{json .}}"), "info")
            host = document.get("host")  # Podman's
            said = host if isinstance(host, dict) else {}
            architecture, variant = normal_architecture(
                str(document.get("Architecture") or said.get("arch") or "amd64")
            )
            self._info = EngineInfo(
                name="Podman" if said else "Docker",
                os=str(document.get("OSType") or said.get("os") or "linux"),
                architecture=architecture,
                variant=variant,
                containerd_store=_CONTAINERD_STORE in (document.get("DriverStatus") or []),
            )
        return self._info

    def load(
        self, chunks: Iterable[bytes], *, progress: Callable[[int], None] | None = None
    ) -> tuple[str, ...]:
        """Pipe an archive into ``load``; it is ended if the making of ``chunks`` fails."""
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
            with self._running("load", stdin=subprocess.PIPE, stdout=said, stderr=complaint) as run:
                _feed(run, chunks, progress)
                code = run.wait()
            if code != 0:
                raise self._failed("load", code, _text(complaint) or _text(said))
            return tuple(_LOADED.findall(_text(said)))

    def image_id(self, image: Reference | Digest | str) -> Digest | None:
        """Return the ID under which an image is there, ``None`` if it is not."""
        arguments = ("inspect", "-f", "{{json .}}", "--type", "image", str(image))
        try:
            answer = self._run(*arguments)
        except EngineError as error:
            if _ABSENT.search(error.message):
                return None
            raise
        document = self._json(answer, "inspect")
        said = str(document.get("Id"))
        try:
            return Digest.parse(said if ":" in said else f"sha256:{said}")
        except InvalidReferenceError:
            raise EngineError(f"{self} gives {image} the ID {said!r}, which is none") from None

    def image_save(self, image: Reference | Digest | str) -> Generator[bytes, None, None]:
        """Yield what ``save`` writes; raises at the end if it failed."""
        with tempfile.TemporaryFile() as complaint:
            with self._running("save", str(image), stdout=subprocess.PIPE, stderr=complaint) as run:
                while chunk := run.receive(_CHUNK):
                    yield chunk
                code = run.wait()
            if code != 0:
                raise self._failed("save", code, _text(complaint))

    def image_tag(self, image: Reference | Digest | str, name: Reference) -> None:
        """Give an image one more name."""
        self._run("tag", str(image), str(name))

    def _run(self, *arguments: str) -> str:
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
            with self._running(*arguments, patience=_TIMEOUT, stdout=said, stderr=complaint) as run:
                code = run.wait()
            if code != 0:
                raise self._failed(arguments[0], code, _text(complaint))
            return _text(said, _LARGEST_ANSWER)

    @contextmanager
    def _running(
        self, *arguments: str, patience: float | None = None, **pipes: int | IO[bytes]
    ) -> Iterator[Program]:
        program = Program(
            [str(self._path), *arguments],
            environment=self._environment,
            cancellation=self._cancellation,
            patience=patience,
            **pipes,
        )
        with ExitStack() as stack:
            try:
                run = stack.enter_context(program)
            except OSError as error:
                raise EngineError(f"cannot start {self}: {error.strerror or error}") from None
            try:
                yield run
            except AsksError:
                raise EngineError(
                    f"{self} {arguments[0]} wants to ask something at the terminal",
                    hint="let it do without: sudo, for example, with NOPASSWD in sudoers",
                ) from None
            except TooLongError:
                raise EngineError(
                    f"{self} {arguments[0]} did not end within {_TIMEOUT:.0f} seconds"
                ) from None

    def _failed(self, command: str, code: int, said: str) -> EngineError:
        return EngineError(
            f"{self} {command} ended with exit code {code}"
            + (f": {said[-_LONGEST_COMPLAINT:].strip()}" if said else ""),
            hint="run it by hand to see what it lacks",
        )

    def _json(self, text: str, command: str) -> dict[str, Any]:
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise EngineError(f"{self} {command} answers what is no JSON object: {text[:100]!r}")
        return document


def _feed(run: Program, chunks: Iterable[bytes], progress: Callable[[int], None] | None) -> None:
    done = 0
    for chunk in chunks:
        if not run.send(chunk):
            return  # it listens no more: its exit code tells
        done += len(chunk)
        if progress is not None:
            progress(done)
    run.finish_sending()


def _text(file: IO[bytes], most: int = 64 * 1024) -> str:
    file.seek(0)
    return file.read(most).decode("utf-8", "replace")
