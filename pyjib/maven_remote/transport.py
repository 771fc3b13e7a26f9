"""One file of a repository by HTTP or from disk.

Failures that pass are retried, redirects followed; a login never goes to another host.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote, unquote

from pyjib.cancellation import Cancellation
from pyjib.errors import PyjibError, TransportError
from pyjib.events import Listener, RetryScheduled
from pyjib.maven_remote.logins import Logins, basic
from pyjib.maven_remote.problem import TransferError
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.patience import SLICE
from pyjib.project.maven.remote import Remote, hide_user
from pyjib.registry.net.message import Request
from pyjib.registry.net.reach import check_hop
from pyjib.registry.net.retry import PASSING_STATUSES, Passing, delay_before, retry_after
from pyjib.registry.net.urls import Url

if TYPE_CHECKING:
    from pyjib.registry.net.wire import Answer, Wire

_ABSENT = frozenset((404, 410))
_MOVED = frozenset((301, 302, 303, 307, 308))
_HOPS = 5
_CHUNK = 1 << 18
_SAFE = "/+~!$&'()*,;=:@"
_SMALL = 1 << 20
_LARGEST = 4 << 30
"""No file of a repository is larger than this many bytes."""


class Received:
    """What came with a file: its headers, size, and SHA-1, which Maven keeps beside it."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.size = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    @property
    def sha1(self) -> str:
        """SHA-1 of all that was received, as hexadecimal digits."""
        return self._sha1.hexdigest()

    def add(self, chunk: bytes) -> None:
        """Take note of a chunk."""
        self.size += len(chunk)
        self._sha1.update(chunk)


class Transport:
    """Connections to repositories; safe for threads. Nothing is opened before it is needed."""

    def __init__(
        self,
        logins: Logins,
        options: RegistryOptions,
        host: HostEnvironment,
        *,
        listener: Listener,
        cancellation: Cancellation,
    ) -> None:
        self._logins, self._options, self._host = logins, options, host
        self._listener, self._cancellation = listener, cancellation
        self._wires: dict[tuple[tuple[str, str], ...], Wire] = {}
        self._lock = threading.Lock()
        self._current = threading.local()

    def download(
        self,
        remote: Remote,
        path: str,
        out: BinaryIO,
        *,
        most: int = _LARGEST,
        stop: Cancellation | None = None,
    ) -> Received | None:
        """Write a repository's file into ``out``, ``None`` if it has none of that path.

        Raises ``TransferError``, also for more than ``most`` bytes; and ``CancelledError`` where
        the build, or ``stop``, was ended.
        """
        self._current.stop = stop
        try:
            return self._download(remote, path, out, most)
        finally:
            self._current.stop = None

    def _download(self, remote: Remote, path: str, out: BinaryIO, most: int) -> Received | None:
        if remote.url.lower().startswith("file:"):
            return self._copy(remote, path, out, most)
        url = _url(remote, path)
        attempt = 1
        while True:
            try:
                return self._attempt(remote, url, out, most)
            except Passing as passing:
                attempts = min(self._options.attempts, passing.most or self._options.attempts)
                if attempt >= attempts:
                    raise _given_up(passing.error) from None
                attempt += 1
                self._wait(f"get {url}", attempt, attempts, passing)
            except TransportError as error:
                raise _given_up(error) from None

    def read(self, remote: Remote, path: str, *, stop: Cancellation | None = None) -> bytes | None:
        """Return the bytes of a small file, 1 MiB at most; raises as ``download`` does."""
        import io  # noqa: PLC0415  only who downloads needs it

        out = io.BytesIO()
        found = self.download(remote, path, out, most=_SMALL, stop=stop)
        return None if found is None else out.getvalue()

    def close(self) -> None:
        """Close all connections; they are made anew if there is more to ask."""
        with self._lock:
            wires, self._wires = self._wires, {}
        for wire in wires.values():
            wire.close()

    def _wait(self, action: str, attempt: int, most: int, passing: Passing) -> None:
        delay = delay_before(attempt, passing.after)
        reason = passing.error.message
        self._listener(
            RetryScheduled(action=action, attempt=attempt, most=most, delay=delay, reason=reason)
        )
        end = time.monotonic() + delay
        while (left := end - time.monotonic()) > 0:
            self._check()
            self._cancellation.wait(min(left, SLICE))

    def _check(self) -> None:
        """Raise ``CancelledError`` if this thread's download, or all of the build, was ended."""
        self._cancellation.check()
        stop: Cancellation | None = getattr(self._current, "stop", None)
        if stop is not None:
            stop.check()

    def _attempt(self, remote: Remote, start: Url, out: BinaryIO, most: int) -> Received | None:
        out.seek(0)
        out.truncate()
        answer = self._follow(remote, start)
        try:
            if answer.status in _ABSENT:
                return None
            if answer.status != 200:
                raise _refused(remote, answer, self._login_of(remote))
            received = Received(answer.headers)
            for chunk in answer.chunks():
                self._check()
                received.add(chunk)
                if received.size > most:
                    raise TransferError(f"{start} has more than {most} bytes")
                out.write(chunk)
        finally:
            answer.close()
        return received

    def _follow(self, remote: Remote, start: Url) -> Answer:
        """Return the answer, redirects followed; logins and headers go to one origin only."""
        url = start
        for _ in range(_HOPS):
            self._check()
            answer = self._send(remote, url, start)
            location = answer.headers.get("location")
            if answer.status not in _MOVED or not location:
                return answer
            answer.close()
            url = url.join(location)
            check_hop(start, url, resolve=False)
        raise TransferError(f"it was redirected more than {_HOPS} times, last to {url}")

    def _send(self, remote: Remote, url: Url, start: Url) -> Answer:
        headers = {"Accept-Encoding": "identity", "User-Agent": "pyjib", "Accept": "*/*"}
        if url.origin == start.origin:
            headers.update(self._logins.headers(remote.id))
            login = _login_in(remote.url)
            if login is not None:
                headers.setdefault("Authorization", login)
        verify = not self._options.lists_insecure(url.host, url.port)
        led_by = None if url == start else start
        request = Request(method="GET", url=url, headers=headers, verify=verify, led_by=led_by)
        return self._wire(url).send(request)

    def _login_of(self, remote: Remote) -> str:
        """Return where the login that a repository is shown stands, an empty text for none."""
        if any(name.lower() == "authorization" for name in self._logins.headers(remote.id)):
            return f"of <server><id>{remote.id}</id> in settings.xml"
        return f"in the address of {remote.id}" if _login_in(remote.url) else ""

    def _wire(self, url: Url) -> Wire:
        # What it imports takes longer than reading a whole project.
        from pyjib.registry.net.wire import Wire  # noqa: PLC0415

        host = self._logins.host_for(url.scheme, url.host, self._host)
        key = tuple(sorted(host.variables.items()))
        with self._lock:
            wire = self._wires.get(key)
            if wire is None:
                wire = self._wires[key] = Wire(self._options, host, self._check)
            return wire

    def _copy(self, remote: Remote, path: str, out: BinaryIO, most: int) -> Received | None:
        source = _directory(remote.url) / path
        received = Received({})
        try:
            with source.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    self._check()
                    received.add(chunk)
                    if received.size > most:
                        raise TransferError(f"{source} has more than {most} bytes")
                    out.write(chunk)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise TransferError(f"cannot read {source}: {error.strerror or error}") from None
        return received


def _url(remote: Remote, path: str) -> Url:
    try:
        return Url.parse(f"{hide_user(remote.url).rstrip('/')}/{quote(path, safe=_SAFE)}")
    except TransportError as error:
        raise TransferError(
            error.message, hint=f"correct the address of {remote.id}: https://HOST/PATH"
        ) from None


def _directory(url: str) -> Path:
    rest = unquote(url[len("file:") :])
    if rest.startswith("//"):
        rest = "/" + rest[2:].partition("/")[2]
    return Path(_without_drive_slash(rest))


def _without_drive_slash(path: str) -> str:
    """Return ``C:/x`` for ``/C:/x``, which a path of Windows looks like in a URL."""
    return path[1:] if path[2:3] == ":" and path.startswith("/") else path


def _login_in(url: str) -> str | None:
    user, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    if not at:
        return None
    name, _, password = user.partition(":")
    return basic(unquote(name), unquote(password))


def _refused(remote: Remote, answer: Answer, login: str) -> Passing | TransferError:
    """Return what to raise; ``login`` tells where the one stands that the repository was shown."""
    status = answer.status
    add = f"<server><id>{remote.id}</id> with username and password to settings.xml"
    if status == 401:
        hint = f"the repository does not take the login {login}: correct it"
        return TransferError(
            "authentication failed: status 401 Unauthorized", hint=hint if login else f"add {add}"
        )
    if status == 403:
        hint = f"see what the login {login} may read in this repository"
        return TransferError(
            "authorization failed: status 403 Forbidden",
            hint=hint if login else f"if the repository wants a login, add {add}",
        )
    if status == 407:
        return TransferError(
            "the proxy wants a login, or another: status 407",
            hint="add username and password to <proxy> in settings.xml, or to http_proxy as "
            "http://USER:PASSWORD@HOST:PORT",
        )
    reason = f"the server answered with status {status}"
    if status in PASSING_STATUSES:
        after = retry_after(answer.headers)
        return Passing(TransportError(reason, hint="try again later"), after=after)
    return TransferError(reason)


def _given_up(error: PyjibError) -> TransferError:
    return TransferError(error.message, hint=error.hint)
