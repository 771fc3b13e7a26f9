"""A client of the Docker Engine API, for Docker and Podman."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

from pyjib.cancellation import Cancellation
from pyjib.engine.endpoint import (
    Endpoint,
    UnixAddress,
    probed_endpoints,
    stated_endpoint,
)
from pyjib.engine.messages import loaded_names
from pyjib.engine.model import EngineInfo
from pyjib.errors import EngineError, InvalidReferenceError
from pyjib.events import Listener, Warned, ignore
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json
from pyjib.oci.platform import normal_architecture
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment

if TYPE_CHECKING:
    from pyjib.engine.wire import Wire

OWN_VERSION = (1, 51)
"""The newest version of the API that this client knows; an older daemon's is used instead."""

_CONTAINERD_STORE = "io.containerd.snapshotter.v1"
_VERSION = re.compile(r"v?([0-9]{1,3})\.([0-9]{1,4})", re.ASCII)


class EngineClient:
    """Speaks to one daemon; safe for threads; to be closed. Every call may raise ``EngineError``.

    Every call names images in full (``docker.io/library/app:1``), since Podman would otherwise
    look for them under another name than Docker.
    """

    def __init__(self, endpoint: Endpoint, wire: Wire, *, name: str, version: str) -> None:
        self.endpoint = endpoint
        self.name = name
        self.version = version
        self._wire = wire

    @classmethod
    def connect(
        cls,
        host: HostEnvironment,
        *,
        listener: Listener = ignore,
        cancellation: Cancellation | None = None,
    ) -> Self:
        """Find a daemon and agree on a version of the API.

        Raises ``EngineError`` listing every address tried and why it would not do.
        """
        stated = stated_endpoint(host)
        endpoints = probed_endpoints(host) if stated is None else (stated,)
        tried: list[tuple[Endpoint, EngineError]] = []
        for endpoint in endpoints:
            try:
                client = cls._open(endpoint, host, cancellation or Cancellation())
            except EngineError as error:
                tried.append((endpoint, error))
                continue
            for passed, reason in tried:
                if reason.message != _ABSENT:
                    text = f"{passed.url} ({passed.source}): {reason.message}; using {client}"
                    listener(Warned(message=text))
            return client
        raise _nobody(tried, stated=stated is not None)

    @classmethod
    def _open(cls, endpoint: Endpoint, host: HostEnvironment, cancellation: Cancellation) -> Self:
        address = endpoint.address()
        if isinstance(address, UnixAddress):
            _knock(address, cancellation)
        from pyjib.engine.wire import Wire  # noqa: PLC0415  httpx is slow to import

        wire = Wire(address, cancellation)
        try:
            headers = _ping(wire)
            pinned = host.get("DOCKER_API_VERSION")
            version = _pinned(pinned) if pinned else _negotiated(headers.get("api-version"))
        except BaseException:
            wire.close()
            raise
        name = "Podman" if "libpod-api-version" in headers else "Docker"
        return cls(endpoint, wire, name=name, version=version)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return f"{self.name} at {self._wire.address}"

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()

    def info(self) -> EngineInfo:
        """Ask the daemon what it is."""
        action = f"ask {self} what it is"
        response = self._wire.ask("GET", self._path("/info"), action)
        if response.status_code != 200:
            raise self._wire.refusal(response, action)
        document = self._wire.json(response, action)
        architecture, variant = normal_architecture(str(document.get("Architecture") or "amd64"))
        return EngineInfo(
            name=self.name,
            os=str(document.get("OSType") or "linux"),
            architecture=architecture,
            variant=variant,
            containerd_store=_has_containerd_store(document.get("DriverStatus")),
            api_version=self.version,
        )

    def load(
        self, chunks: Iterable[bytes], *, progress: Callable[[int], None] | None = None
    ) -> tuple[str, ...]:
        """Send an archive as it is made, and return the names and IDs the daemon says it loaded.

        ``progress`` is told the bytes sent so far. An error of the making of ``chunks`` passes
        through, and so does a cancellation: a daemon loads nothing of an archive that is cut.
        Raises ``EngineError`` unless the daemon says it loaded something, and nothing failed.
        """
        action = f"load the image into {self}"
        body = _Counted(chunks, progress)
        with self._wire.stream(
            "POST", self._path("/images/load", quiet="1"), action, body
        ) as response:
            answer = self._wire.chunks(response, action)
            if response.status_code != 200:
                response.read()
                raise self._wire.refusal(response, action)
            try:
                return loaded_names(answer)
            except EngineError as error:
                raise EngineError(
                    f"{action}: {error.message.removeprefix(f'{action}: ')}", hint=_hint_of(error)
                ) from None

    def image_inspect(self, image: Reference | Digest | str) -> Json | None:
        """Return what the daemon knows of an image, by name or ID; ``None`` if it has none."""
        action = f"ask {self} for the image {image}"
        response = self._wire.ask("GET", self._path(f"/images/{_quoted(image)}/json"), action)
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            raise self._wire.refusal(response, action)
        return self._wire.json(response, action)

    def image_id(self, image: Reference | Digest | str) -> Digest | None:
        """Return the ID under which the daemon has an image, ``None`` if it has none.

        That is the digest of the config, but of the manifest or index in containerd's store.
        """
        document = self.image_inspect(image)
        if document is None:
            return None
        said = str(document.get("Id"))
        try:
            return Digest.parse(said if ":" in said else f"sha256:{said}")
        except InvalidReferenceError:
            raise EngineError(f"{self} gives {image} the ID {said!r}, which is none") from None

    def image_save(self, image: Reference | Digest | str) -> Generator[bytes, None, None]:
        """Yield an image's archive, in the form of ``docker save``, as the daemon makes it.

        A generator, to be closed if it is not read to its end. An export that breaks off is an
        archive that breaks off: whoever reads it has to notice.
        """
        action = f"export {image} from {self}"
        path = self._path("/images/get", names=str(image))
        with self._wire.stream("GET", path, action) as response:
            if response.status_code != 200:
                response.read()
                raise self._wire.refusal(response, action)
            with closing(self._wire.chunks(response, action)) as chunks:
                yield from chunks

    def image_tag(self, image: Reference | Digest | str, name: Reference) -> None:
        """Give an image that the daemon has one more name."""
        action = f"tag {image} as {name} in {self}"
        path = self._path(f"/images/{_quoted(image)}/tag", repo=name.name, tag=name.tag or "latest")
        response = self._wire.ask("POST", path, action)
        if response.status_code != 201:
            raise self._wire.refusal(response, action)

    def _path(self, path: str, **query: str) -> str:
        return f"/v{self.version}{path}" + (f"?{urlencode(query)}" if query else "")


_ABSENT = "no such socket"
_KNOCK_TIMEOUT = 10.0
_KNOCK_AGAIN = 0.05


class _Counted:
    """Passes chunks on and tells how many bytes went by. Iterates once, as a body is sent once."""

    def __init__(self, chunks: Iterable[bytes], progress: Callable[[int], None] | None) -> None:
        self._chunks = chunks
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        done = 0
        for chunk in self._chunks:
            yield chunk
            done += len(chunk)
            if self._progress is not None:
                self._progress(done)


def _knock(address: UnixAddress, cancellation: Cancellation) -> None:
    """Raise ``EngineError`` unless somebody listens; httpx would be slower to notice."""
    if not hasattr(socket, "AF_UNIX"):
        raise EngineError("Python knows no Unix sockets on this system")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            _connect(connection, str(address.path), cancellation)
        except FileNotFoundError:
            raise EngineError(_ABSENT) from None
        except PermissionError:
            raise EngineError("permission denied") from None
        except ConnectionRefusedError:
            raise EngineError("nobody listens there") from None
        except OSError as error:
            raise EngineError(str(error)) from None


def _connect(connection: socket.socket, path: str, cancellation: Cancellation) -> None:
    """Connect to a Unix socket, as soon as whoever listens has room for one more."""
    end = time.monotonic() + _KNOCK_TIMEOUT
    while True:
        try:
            return connection.connect(path)
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError("it takes no connection") from None
        cancellation.wait(_KNOCK_AGAIN)


def _ping(wire: Wire) -> dict[str, str]:
    """Return the headers of the daemon's answer, names in lower case."""
    for method in ("HEAD", "GET"):  # old daemons, and some proxies before them, know GET only
        response = wire.ask(method, "/_ping", action="")
        if response.status_code == 200:
            return {name.lower(): value for name, value in response.headers.items()}
    raise EngineError(f"answered status {response.status_code} to a ping")


def _pinned(text: str) -> str:
    match = _VERSION.fullmatch(text)
    if match is None:
        raise EngineError(
            f"DOCKER_API_VERSION={text!r} is no version", hint="write it as 1.44, or unset it"
        )
    return f"{match[1]}.{match[2]}"


def _negotiated(said: str | None) -> str:
    """Return the older of the daemon's version and our own; one that says none is very old."""
    match = _VERSION.fullmatch(said or "")
    theirs = (int(match[1]), int(match[2])) if match else (1, 24)
    major, minor = min(theirs, OWN_VERSION)
    return f"{major}.{minor}"


def _has_containerd_store(status: Any) -> bool:
    pairs = status if isinstance(status, list) else []
    return ["driver-type", _CONTAINERD_STORE] in pairs


def _quoted(image: Reference | Digest | str) -> str:
    return quote(str(image), safe="/:@")


def _hint_of(error: EngineError) -> str | None:
    if "no space left on device" in error.message:
        return "make room for the daemon, for example with docker system prune"
    return error.hint


def _nobody(tried: list[tuple[Endpoint, EngineError]], *, stated: bool) -> EngineError:
    lines = [f"  {endpoint.url} ({endpoint.source}): {error.message}" for endpoint, error in tried]
    hints = [error.hint for _, error in tried if error.hint]
    if any("permission denied" in error.message for _, error in tried):
        hints.append("join the group that owns the socket (docker, as a rule), or use Podman")
    if stated:
        hints.append("start that daemon, or unset what names it")
    hints.append(
        "start Docker or Podman, or name its address in DOCKER_HOST; no daemon is needed for a "
        "registry, nor for an archive (--to tar://FILE)"
    )
    return EngineError("\n".join(["no Docker or Podman daemon answers:", *lines]), hint=hints[0])
