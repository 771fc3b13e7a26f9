"""Cache keys: text that is equal for layers of equal bytes, and for no others.

A key is made of the recipe and of every entry's name, mode, time, owner and content; never of
where a file lies or when it changed, so that a fresh checkout finds what another one packed
(docs/adr/003-cache-key.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from pyjib.errors import CacheError, ProjectError
from pyjib.frozen import frozen
from pyjib.layer.compress import part_recipe_text, recipe_text
from pyjib.layer.content import LearntFile, chunks_of
from pyjib.oci.digest import Digest
from pyjib.plan.model import LayerEntry, LayerPlan, LayerRecipe
from pyjib.project.model import FileSource
from pyjib.store.store import Store

_LARGE = 8 << 20
_FORMAT = "pyjib layer 1"
"""To be counted up whenever the same key would stand for other bytes."""

_Asked: TypeAlias = tuple[FileSource | None, str | None, Digest | None]
"""A source, its fingerprint, and the digest that the store remembers for that."""


@frozen
class LayerKey:
    """A layer's key, and the digest of each entry's content, ``None`` for directories."""

    key: str
    digests: tuple[Digest | None, ...]


def recipe_key(recipe: LayerRecipe) -> str:
    """Return text that is equal if equal tars are compressed to equal bytes."""
    if recipe.in_parts:
        return part_recipe_text(recipe.compression, recipe.level)
    return recipe_text(recipe.compression, recipe.level, recipe.gzip_os)


class ReadOnce:
    """A layer whose files are read for its tar before its key is known.

    ``read`` takes the digests of the files by their fingerprints.
    """

    def __init__(
        self,
        plan: LayerPlan,
        make: Callable[[LayerPlan, tuple[Digest | None, ...]], LayerKey],
        read: dict[str, Digest],
    ) -> None:
        self._plan = plan
        self._make = make
        self._read = read
        self._digests: dict[int, Digest] = {}

    def entries(self) -> Iterator[LayerEntry]:
        """Yield the plan's entries; each content must be read to its end."""
        for place, entry in enumerate(self._plan.entries):
            if entry.source is None:
                yield entry
            else:
                yield replace(entry, source=self._learning(place, entry.source))

    def key(self) -> LayerKey:
        """Return the key of what was read; each entry of the plan has been."""
        digests = tuple(
            None if entry.source is None else self._digests[place]
            for place, entry in enumerate(self._plan.entries)
        )
        return self._make(self._plan, digests)

    def _learning(self, place: int, source: FileSource) -> LearntFile:
        before = source.fingerprint()

        def learn(digest: Digest) -> None:
            self._digests[place] = digest
            if before is not None and source.fingerprint() == before:
                self._read[before] = digest

        return LearntFile(source, learn)


class KeyMaker:
    """Makes keys of layers, reading only files whose digests the store does not remember.

    ``check`` is called between chunks, and may raise. Unless ``writes``, the store is asked and
    never told.
    """

    def __init__(
        self,
        store: Store,
        recipe: LayerRecipe,
        check: Callable[[], None],
        *,
        writes: bool = True,
    ) -> None:
        self._store = store
        self._recipe = (
            _FORMAT,
            recipe_key(recipe),
            recipe.time_records,
        )
        self._check = check
        self._writes = writes
        self._started: int | None = None
        self._read: dict[str, Digest] = {}

    def key_of(self, plan: LayerPlan) -> LayerKey:
        """Return the key of a layer; raise ``ProjectError`` for a file that cannot be read."""
        return self.keys_of([plan])[0]

    def keys_of(self, plans: Sequence[LayerPlan], threads: int = 1) -> list[LayerKey]:
        """Return the key of each layer; raise ``ProjectError`` for a file that cannot be read.

        Files that the store does not remember are read, several at once if they are large.
        """
        asked = [[self._ask(entry.source) for entry in plan.entries] for plan in plans]
        self._read_ahead(asked, threads)
        return [
            self._key(plan, tuple(map(self._digest_of, one)))
            for plan, one in zip(plans, asked, strict=True)
        ]

    def read_once(self, plan: LayerPlan) -> ReadOnce:
        """Return a layer whose key follows from a reading of its files that serves for more."""
        self._note_start()
        return ReadOnce(plan, self._key, self._read)

    def _key(self, plan: LayerPlan, digests: tuple[Digest | None, ...]) -> LayerKey:
        # A file's size follows from its digest, and asking for it would cost another stat.
        facts = [
            (entry.name, entry.mode, entry.mtime.nanoseconds, entry.owner, digest and digest.hex)
            for entry, digest in zip(plan.entries, digests, strict=True)
        ]
        text = json.dumps([self._recipe, facts], separators=(",", ":"))
        return LayerKey(key=hashlib.sha256(text.encode()).hexdigest(), digests=digests)

    def _ask(self, source: FileSource | None) -> _Asked:
        fingerprint = None if source is None else source.fingerprint()
        digest = None if fingerprint is None else self._store.file_digest(fingerprint)
        return source, fingerprint, digest

    def _read_ahead(self, asked: Iterable[Iterable[_Asked]], threads: int) -> None:
        unknown: dict[str, FileSource] = {
            fingerprint: source
            for one in asked
            for source, fingerprint, digest in one
            if source is not None and fingerprint is not None and digest is None
        }
        if threads < 2 or sum(source.size for source in unknown.values()) < _LARGE:
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for few builds

        self._note_start()
        with ThreadPoolExecutor(threads, thread_name_prefix="pyjib-hash") as pool:
            # All of them: leaving the pool early would wait for what is not needed any more.
            digests = list(pool.map(self._learn, unknown, unknown.values()))
        self._read |= {name: digest for name, digest in digests if digest is not None}

    def _learn(self, name: str, source: FileSource) -> tuple[str, Digest | None]:
        try:
            digest = self._read_digest(source)
        except ProjectError:  # whoever comes to this file will meet it too, in the layers' order
            return name, None
        return name, digest if source.fingerprint() == name else None

    def remember(self) -> None:
        """Tell the store the digests of the files that were read."""
        if self._started is not None:
            self._store.remember_file_digests(self._read, started=self._started)

    def _digest_of(self, asked: _Asked) -> Digest | None:
        source, fingerprint, digest = asked
        if source is None or digest is not None:
            return digest
        if fingerprint is None:
            return self._read_digest(source)
        found = self._read.get(fingerprint)
        if found is None:
            self._note_start()
            found = self._read_digest(source)
            if source.fingerprint() == fingerprint:
                self._read[fingerprint] = found
        return found

    def _read_digest(self, source: FileSource) -> Digest:
        state = hashlib.sha256()
        for chunk in chunks_of(source):
            self._check()
            state.update(chunk)
        return Digest.finish(state)

    def _note_start(self) -> None:
        """Note the time before the first file is read: see ``Store.remember_file_digests``."""
        if self._writes and self._started is None:
            try:
                self._started = self._store.clock()
            except CacheError:  # if the store cannot be written, whoever must write it says so
                self._writes = False
