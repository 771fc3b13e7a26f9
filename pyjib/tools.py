"""What a build works with: a store, and clients that connect when they are first used."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyjib.base import BaseTools
from pyjib.cancellation import Cancellation
from pyjib.engine.model import Engine
from pyjib.errors import CacheError
from pyjib.events import Listener, Warned
from pyjib.options import BuildOptions
from pyjib.registry.client import RegistryClient
from pyjib.store.store import Store

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory


@contextmanager
def open_tools(
    options: BuildOptions, *, listener: Listener, cancellation: Cancellation | None
) -> Iterator[BaseTools]:
    """Open what a build works with; clients connect when they are first used.

    Whatever ends the context other than its own end tells every worker to stop. Where the usual
    cache cannot be written a temporary one takes its place, and ``listener`` hears of it.
    """
    cancellation = cancellation or Cancellation()
    with ExitStack() as stack:
        registry = stack.enter_context(
            RegistryClient(
                options.registry, options.host, listener=listener, cancellation=cancellation
            )
        )
        engines: list[Engine] = []
        connecting = threading.Lock()  # bases are pulled while targets are checked

        def engine() -> Engine:
            program = options.engine_program
            with connecting:
                if not engines and program is not None:
                    from pyjib.engine.program import ProgramEngine

                    engines.append(ProgramEngine(program, options.host, cancellation=cancellation))
                elif not engines:
                    from pyjib.engine.client import EngineClient

                    client = EngineClient.connect(
                        options.host, listener=listener, cancellation=cancellation
                    )
                    engines.append(stack.enter_context(client))
                return engines[0]

        aside = _Aside(options, listener)
        stack.callback(aside.remove)
        store = Store(aside.usual, aside=aside.open)
        stack.callback(store.close)
        try:
            yield BaseTools(
                store=store,
                registry=registry,
                engine=engine,
                listener=listener,
                cancellation=cancellation,
            )
        except BaseException as error:
            cancellation.cancel()
            if isinstance(error, CacheError):
                aside.advise(error)
            raise


def cache_directory(options: BuildOptions) -> Path:
    """Return the store's directory: what the caller says, else the XDG cache of the user."""
    if options.cache is not None:
        return options.cache
    base = options.host.get("XDG_CACHE_HOME")
    return (Path(base) if base else options.host.home / ".cache") / "pyjib"


def advise_on_cache(error: CacheError, options: BuildOptions) -> None:
    """Let the hint of an error name what named the cache's directory, and what to do with it."""
    if options.cache is None:
        error.advise("name a directory that can be written: --cache DIR, or PYJIB_CACHE")
    elif Path(options.host.get(_VARIABLE) or "") == options.cache:
        error.advise(
            f"{_VARIABLE} names it: let it be a directory that can be written, or leave it unset"
        )
    else:
        error.advise("--cache names it: name a directory that can be written, or leave it out")


_VARIABLE = "PYJIB_CACHE"


class _Aside:
    """A temporary cache, for what cannot be written in the usual one, ``usual``."""

    def __init__(self, options: BuildOptions, listener: Listener) -> None:
        self.usual = cache_directory(options)
        self._options = options
        self._listener = listener
        self._directory: TemporaryDirectory[str] | None = None

    def open(self, error: CacheError) -> Path:
        """Make it and tell so; raises ``error`` where the caller named a cache and none is there.

        What was named and cannot even be read is a mistake. One that is there serves those who
        read it, as one that a CI service lends to be read.
        """
        is_there = _can_be_read(self.usual / "blobs")
        if self._options.cache is not None and not is_there:
            advise_on_cache(error, self._options)
            raise error
        from tempfile import TemporaryDirectory

        try:
            self._directory = TemporaryDirectory(prefix="pyjib-cache-", ignore_cleanup_errors=True)
        except OSError as reason:
            raise CacheError(
                f"{error.message}; nor can a temporary one be made: {reason.strerror or reason}",
                hint="pass --cache DIR, or set TMPDIR, to a directory that can be written",
            ) from None
        if is_there:
            message, hint = "it is read, and what is new is kept in a temporary one", None
        else:
            message = "this build has a temporary one"
            hint = "to find packed layers again the next time, pass --cache DIR or set PYJIB_CACHE"
        self._listener(Warned(message=f"{error.message}; {message}", hint=hint))
        return Path(self._directory.name)

    def advise(self, error: CacheError) -> None:
        """Let the hint of whatever went wrong tell that the cache is in an unusual place."""
        if self._directory is not None:
            error.advise(
                f"the cache of this build was {self._directory.name}: pass --cache DIR, or set "
                "TMPDIR, to a directory that can be written and has room"
            )

    def remove(self) -> None:
        """Remove it."""
        if self._directory is not None:
            self._directory.cleanup()


def _can_be_read(directory: Path) -> bool:
    try:
        return os.access(directory, os.R_OK | os.X_OK)
    except OSError:
        return False
