"""What a session shares with those that are like it, made when it is first needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pyjib.cancellation import Cancellation
from pyjib.events import Listener, Warned, ignore
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.machine import Machine, read_machine

if TYPE_CHECKING:
    from pyjib.registry.net.certificates import HostCertificates
    from pyjib.registry.net.urls import Url
    from pyjib.registry.net.wire import Wire


class Late:
    """What is made when it is first needed, and shared by all that make calls."""

    def __init__(
        self,
        options: RegistryOptions,
        host: HostEnvironment,
        cancellation: Cancellation,
        listener: Listener = ignore,
    ) -> None:
        self._listener = listener
        self._options = options
        self._host = host
        self._cancellation = cancellation
        self._lock = threading.Lock()
        self._wire: Wire | None = None
        self._machine: Machine | None = None

    def wire(self) -> Wire:
        """Return the connections."""
        # httpcore takes longer to import than most of pyjib: only who talks pays for it.
        from pyjib.registry.net.wire import Wire  # noqa: PLC0415

        with self._lock:
            if self._wire is None:
                self._wire = Wire(
                    self._options, self._host, self._cancellation.check, self._certificates
                )
            return self._wire

    def machine(self) -> Machine:
        """Return what the machine is set up with, nothing if no mirrors are to be used."""
        with self._lock:
            if self._machine is None:
                wanted = self._options.use_mirrors
                self._machine = read_machine(self._host) if wanted else Machine()
                self._tell_of(self._machine.closed)
            return self._machine

    def _tell_of(self, closed: tuple[str, ...]) -> None:
        if closed:
            self._listener(
                Warned(
                    message="; ".join(closed),
                    hint="going on without; give its user the right to read it, or pass "
                    "--no-mirrors to go without such files",
                )
            )

    def _certificates(self, url: Url) -> HostCertificates | None:
        return self.machine().certificates_for(url.host, url.port)

    def close(self) -> None:
        """Close all connections, if there are any."""
        with self._lock:
            if self._wire is not None:
                self._wire.close()
