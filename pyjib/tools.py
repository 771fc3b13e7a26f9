"""What a build works with: a store, and clients that connect when they are first used."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pyjib.base import BaseTools
from pyjib.cancellation import Cancellation
from pyjib.engine.model import Engine
from pyjib.events import Listener
from pyjib.options import BuildOptions
from pyjib.registry.client import RegistryClient
from pyjib.store.store import Store


@contextmanager
def open_tools(
    options: BuildOptions, *, listener: Listener, cancellation: Cancellation | None
) -> Iterator[BaseTools]:
    """Open what a build works with; clients connect when they are first used.

    Whatever ends the context other than its own end tells every worker to stop.
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

        try:
            yield BaseTools(
                store=Store(cache_directory(options)),
                registry=registry,
                engine=engine,
                listener=listener,
                cancellation=cancellation,
            )
        except BaseException:
            cancellation.cancel()
            raise


def cache_directory(options: BuildOptions) -> Path:
    """Return the store's directory: what the caller says, else the XDG cache of the user."""
    if options.cache is not None:
        return options.cache
    base = options.host.get("XDG_CACHE_HOME")
    return (Path(base) if base else options.host.home / ".cache") / "pyjib"
