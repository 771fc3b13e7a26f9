"""The registry on a socket."""

from __future__ import annotations

import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, cast

from pyjib.errors import ConfigurationError
from pyjib.oci.digest import Digest
from pyjib.serve.access import BasicGate, Gate, Need, OpenGate, Policy, everybody, users_only
from pyjib.serve.connection import Connection
from pyjib.serve.context import Context
from pyjib.serve.disk import DiskStorage
from pyjib.serve.faults import Fault, FaultLayer
from pyjib.serve.journal import Exchange, Journal, Watcher
from pyjib.serve.listener import Listener, listen
from pyjib.serve.memory import MemoryStorage
from pyjib.serve.message import Answerer, Refusal, Request, Response
from pyjib.serve.protocol import Protocol
from pyjib.serve.pull_through import PullThrough, Upstream
from pyjib.serve.quirk_layer import QuirkLayer
from pyjib.serve.quirks import Quirks, quirks_of
from pyjib.serve.repositories import Repositories
from pyjib.serve.rules import Rules
from pyjib.serve.tokens import TokenGate
from pyjib.serve.uploads import Uploads

if TYPE_CHECKING:
    import ssl  # takes longer to import than all the rest

_log = logging.getLogger(__name__)

_JOURNAL = 10_000


class RegistryServer:
    """A registry that speaks OCI Distribution 1.1; ``with RegistryServer(None) as server:``.

    ``root`` is a directory with an image layout for each repository, or ``None`` for memory.
    ``port`` 0 takes any free one. With ``users`` (passwords by name) a login is asked for, by
    Basic or with tokens of ``token_lifetime`` seconds, and ``policy`` tells what each user, and
    who has not logged in, may do. ``watcher`` is called after each exchange, from its thread.
    ``intercept`` sees each request first and may answer in the registry's place, or hang up by
    raising ``BodyInterrupted``. With ``tls`` the registry speaks HTTPS: true makes a certificate
    for as long as it runs, which ``ca_file`` vouches for.

    ``faults`` make it misbehave (``server.faults`` takes more), ``quirks``, or the name of a
    preset, make it like another registry. With an ``upstream`` it is a cache in front of it.
    """

    def __init__(  # noqa: PLR0913  each is a switch of its own, all but two by name
        self,
        root: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        users: Mapping[str, str] | None = None,
        auth: Literal["basic", "token"] | None = None,
        token_lifetime: float | None = None,
        policy: Policy | None = None,
        rules: Rules | None = None,
        watcher: Watcher | None = None,
        intercept: Callable[[Request], Response | None] | None = None,
        faults: Iterable[Fault] = (),
        quirks: Quirks | str | None = None,
        upstream: Upstream | None = None,
        tls: ssl.SSLContext | bool = False,
    ) -> None:
        if root is not None and root.exists() and not root.is_dir():
            raise ConfigurationError(
                f"cannot keep repositories in {root}: it is not a directory",
                hint="name a directory with --root",
            )
        self.rules = rules or Rules()
        self.root = root
        self.intercept = intercept
        self.ca_file: Path | None = None
        self._host = host
        self._port = port
        self._quirks = quirks_of(quirks) if isinstance(quirks, str) else quirks or Quirks()
        self._auth = auth or self._quirks.auth or "basic"
        # A registry that hands out tokens wants one of everybody, also where all may do all.
        anonymous = users is None and auth is None and self._auth == "token"
        self._users = {} if anonymous else users
        self._policy = policy or (everybody if anonymous else users_only)
        usual = self._quirks.token_lifetime or 300
        self._token_lifetime = usual if token_lifetime is None else token_lifetime
        self._watcher = watcher
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._journal = Journal(_JOURNAL)
        self._storage = MemoryStorage() if root is None else DiskStorage(root)
        self.repositories = Repositories(self._storage)
        self._source = PullThrough(upstream, self.repositories) if upstream else None
        self._uploads = Uploads(self._storage, self.rules.limits)
        self._gate: Gate = OpenGate()
        self._rule_keeper: Answerer = self._make_protocol(self._gate).answer
        self._listener: Listener | None = None
        self._opened = ExitStack()
        self.faults = FaultLayer(faults)

    @property
    def address(self) -> str:
        """``HOST:PORT``, as it stands in an image reference."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    @property
    def url(self) -> str:
        """The address with its scheme."""
        return f"{self._scheme}://{self.address}"

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """The last ten thousand exchanges, oldest first."""
        return self._journal.all()

    def clear_journal(self) -> None:
        """Forget the exchanges so far."""
        self._journal.clear()

    def revoke_tokens(self) -> None:
        """Make all tokens invalid, as if their time were up."""
        if isinstance(self._gate, TokenGate):
            self._gate.revoke()

    def collect_garbage(self, grace: float | None = None) -> dict[str, list[Digest]]:
        """Delete blobs that no manifest names, and return them by repository.

        Those that came within ``grace`` seconds stay, by default as ``rules.limits`` say.
        """
        least = self.rules.limits.garbage_grace if grace is None else grace
        found = {
            name: self.repositories.collect_garbage(name, least)
            for name in self.repositories.names()
        }
        return {name: digests for name, digests in found.items() if digests}

    def start(self) -> Self:
        """Listen, and answer from threads of its own.

        Raises ``TransportError`` if the address is taken or is not this machine's,
        ``DestinationError`` if nothing can be kept in ``root``.
        """
        if self._listener is None:
            if isinstance(self._storage, DiskStorage) and not self.rules.read_only:
                self._storage.check_writable()
                self._storage.remove_leftovers(self.rules.limits.session_idle)
            listening = listen(self._host, self._port)
            self._port = listening.getsockname()[1]
            self._context = self._make_context()
            self.faults.open(self.url)
            self._gate = self._make_gate()
            self._rule_keeper = self._with_quirks(self._make_protocol(self._gate).answer)
            most = self.rules.limits.connections
            self._listener = Listener(listening, self._wrap, self._serve, most=most)
            self._start_collecting()
        return self

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the registry is closed; false if that did not happen in time."""
        return self._listener is None or self._listener.stopped.wait(seconds)

    def close(self) -> None:
        """Stop listening, end all connections and forget unfinished uploads."""
        listener, self._listener = self._listener, None
        self.faults.close()
        if listener is not None:
            listener.close()
        self._uploads.close()
        self._opened.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_gate(self) -> Gate:
        if self._users is None:
            return OpenGate()
        if self._auth == "basic":
            return BasicGate(self._users, self._policy)
        return TokenGate(
            self._users,
            self._policy,
            lifetime=self._token_lifetime,
            scheme=self._scheme,
            host=self.address,
        )

    @property
    def _scheme(self) -> str:
        return "https" if self._tls else "http"

    def _make_context(self) -> ssl.SSLContext | None:
        if not isinstance(self._tls, bool):
            return self._tls
        if not self._tls:
            return None
        from pyjib.serve.certificate import make_certificate  # noqa: PLC0415  slow to import

        directory = self._opened.enter_context(tempfile.TemporaryDirectory(prefix="pyjib-"))
        self.ca_file, context = make_certificate(Path(directory), self._host)
        return context

    def _make_protocol(self, gate: Gate) -> Protocol:
        context = Context(
            repositories=self.repositories,
            uploads=self._uploads,
            rules=self.rules,
            source=self._source,
        )
        return Protocol(context, gate)

    def _with_quirks(self, answer: Answerer) -> Answerer:
        if self._quirks == Quirks():
            return answer
        return QuirkLayer(
            self._quirks,
            self.repositories,
            answer,
            self._make_protocol(OpenGate()).answer,
            self._may_push,
            url=self.url,
        ).answer

    def _may_push(self, request: Request, name: str) -> bool:
        try:
            self._gate.admit(request, Need(repository=name, actions=("push",)))
        except Refusal:
            return False
        return True

    def _start_collecting(self) -> None:
        every = self.rules.limits.garbage_every
        if not every or self.rules.read_only:
            return
        stop = threading.Event()

        def collect() -> None:
            while not stop.wait(every):
                try:
                    self.collect_garbage()
                except OSError as error:
                    _log.warning("garbage stays where it is: %s", error)

        thread = threading.Thread(target=collect, name="pyjib-registry-garbage", daemon=True)
        thread.start()
        self._opened.callback(thread.join)
        self._opened.callback(stop.set)

    def _wrap(self, sock: socket.socket) -> socket.socket:
        if self._context is None:
            return sock
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def _serve(self, sock: socket.socket) -> None:
        if self._context is not None:
            sock.settimeout(self.rules.limits.head)
            cast("ssl.SSLSocket", sock).do_handshake()
        Connection(
            sock,
            self._answer,
            limits=self.rules.limits,
            journal=self._journal,
            watcher=self._watcher,
            pause=self.faults.pause,
        ).serve()

    def _answer(self, request: Request) -> Response:
        return self.faults.answer(request, self._undisturbed)

    def _undisturbed(self, request: Request) -> Response:
        response = self.intercept(request) if self.intercept else None
        return response or self._rule_keeper(request)
