"""Reading an index once, when it is needed, while other things are done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from pyjib.errors import CancelledError, PyjibError
from pyjib.events import Listener, Warned
from pyjib.frozen import frozen
from pyjib.layer_index.model import Entry
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference

_log = logging.getLogger(__name__)


@frozen
class Source:
    """Where entries come from.

    ``artifact`` is set if that is an index of its own; then entries have keys and recipes, and
    what goes wrong is told, for somebody asked for it. ``found`` is the image that the target
    names at present, if any. ``recipe`` is the text of the build's own.
    """

    read: Callable[[], Sequence[Entry]]
    recipe: str
    found: Digest | None
    artifact: Reference | None = None


class Reading:
    """The entries of a source, read in a thread; to be closed. Safe for threads."""

    def __init__(self, source: Source, listener: Listener) -> None:
        self._source = source
        self._listener = listener
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pyjib-layer-index")
        self._reading: Future[Sequence[Entry]] | None = None
        self._told = False

    @property
    def has_begun(self) -> bool:
        """Whether anybody wanted the entries so far."""
        return self._reading is not None

    def begin(self) -> None:
        """Begin to read, if that has not begun."""
        with self._lock:
            if self._reading is None:
                self._reading = self._pool.submit(self._read)

    def entries(self) -> Sequence[Entry]:
        """Return all entries, none if they cannot be read; raises ``CancelledError``."""
        self.begin()
        assert self._reading is not None  # noqa: S101  it has begun
        return self._reading.result()

    def tell(self, message: str, hint: str | None) -> None:
        """Warn, once for each build."""
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._listener(Warned(message=message, hint=hint))

    def close(self) -> None:
        """Wait until nothing is read any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _read(self) -> Sequence[Entry]:
        try:
            return self._source.read()
        except CancelledError:
            raise
        except PyjibError as error:
            name = self._source.artifact
            if name is None:
                _log.debug("no layers to be learnt: %s", error.message)
            else:
                self.tell(f"the layer index {name} was not read: {error.message}", error.hint)
            return ()
