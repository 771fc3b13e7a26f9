"""Projects that were worked out by earlier builds, and by this one for later ones."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pyjib.errors import CacheError
from pyjib.maven_choice import Found, MavenChoice, Opener, Servers
from pyjib.maven_kept.code import code_version
from pyjib.maven_kept.looks import describe, is_settled, would_be_the_same
from pyjib.maven_kept.needed import needed
from pyjib.maven_kept.private import is_private, may_be_kept, secrets_among, tells
from pyjib.maven_kept.values import KeptProject, NotKeepableError, decode, encode
from pyjib.oci.json import Json
from pyjib.options import HostEnvironment
from pyjib.project.maven.machine import machine_properties
from pyjib.project.maven.seen import Trace, absolute
from pyjib.project.maven.worked_out import POM, ClassPath, WorkedOut
from pyjib.store.store import Store

_MAGIC = b"pyjibmk1"
_HEADER = struct.Struct(">8sI")
_DAMAGED = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError)
_T = TypeVar("_T")


class KeptProjects:
    """The worked-out projects of one store; unless it ``writes``, it is asked and never told."""

    def __init__(self, store: Store, *, writes: bool = True) -> None:
        self._store = store
        self._writes = writes

    def find(self, path: Path, opener: Opener) -> Found:
        """Return what ``opener`` finds at a path, kept or fresh; raises what it raises.

        Once all was read of it, ``keep`` of what is returned keeps it for later builds.
        """
        choice = opener.choice
        if not (path / POM).is_file() or is_private(choice.arguments, choice.repositories):
            return opener.find(path)
        question = _key(path, choice)
        recalled = self._recall(question, path, opener)
        return recalled or self.find_afresh(question, path, opener)

    def find_afresh(self, question: str, path: Path, opener: Opener) -> Found:
        """Work the project out, and write down what that depends on if it is to be kept."""
        if not self._writes:
            return opener.find(path)
        try:
            started = self._store.clock()
        except CacheError:  # whoever must write there says so
            return opener.find(path)
        return Recording(self._store, question, started).find(path, opener)

    def _recall(self, question: str, path: Path, opener: Opener) -> Found | None:
        data = self._store.get_project(question, marks=self._writes)
        if data is None:
            return None
        try:
            kept = _believe(data, path, opener.options.host)
            recalled = _Recalled(kept, lambda: self.find_afresh(question, path, opener))
            return Found(
                path=kept.path,
                project=replace(recalled.project(), class_path=opener.choice.class_path),
                configuration=kept.configuration,
                servers=Servers(
                    ids=frozenset(kept.servers), open=lambda: opener.open_servers(kept.path)
                ),
                keep=recalled.keep,
            )
        except (*_DAMAGED, TypeError, ValueError):
            return None


class Recording:
    """One working-out, and what it comes to piece by piece."""

    def __init__(self, store: Store, question: str, started: int) -> None:
        self._store = store
        self._question = question
        self._started = started
        self._trace = Trace()
        self._class_path: ClassPath | None = None
        self._module_files: tuple[Path, ...] | None = None

    def find(self, path: Path, opener: Opener) -> Found:
        """Return what ``opener`` finds; everything that is asked of it later is written down."""
        opener = replace(opener, trace=self._trace)
        found = self._listen(lambda: opener.find(path))
        project = found.project
        if project is None:
            return found
        return replace(
            found,
            project=replace(
                project,
                resolve=lambda: self._resolve(project),
                module_files=lambda: self._find_files(project),
            ),
            keep=lambda: self._keep(found, project, opener),
        )

    def _listen(self, look: Callable[[], _T]) -> _T:
        with self._trace.listening():
            return look()

    def _resolve(self, project: WorkedOut) -> ClassPath:
        self._class_path = self._listen(project.resolve)
        return self._class_path

    def _find_files(self, project: WorkedOut) -> tuple[Path, ...]:
        self._module_files = self._listen(project.module_files)
        return self._module_files

    def _keep(self, found: Found, project: WorkedOut, opener: Opener) -> None:
        """Keep what was worked out, if it depends on nothing but what was looked at."""
        if self._trace.spoilt is not None or not is_settled(self._trace, self._started):
            return
        if not may_be_kept(found.configuration):
            return
        variables = opener.options.host.variables
        try:
            data = {
                "code": code_version(),
                "machine": machine_properties(opener.options.host),
                "looks": describe(self._trace, variables, os.urandom(16).hex()),
                "kept": encode(self._value(found, project)),
            }
            unwanted = _secrets(found, self._trace, variables) | self._trace.moments
            if not tells(data, unwanted):
                self._store.put_project(self._question, _seal(data))
        except (CacheError, NotKeepableError, UnicodeError):
            return  # it saves time next time, and this build needs it no more

    def _value(self, found: Found, project: WorkedOut) -> KeptProject:
        configuration = found.configuration
        has_extensions = configuration is not None and bool(configuration.plugin_extensions)
        return KeptProject(
            path=found.path,
            model=needed(project.model, has_extensions=has_extensions),
            configuration=configuration,
            servers=tuple(sorted(found.servers.ids)) if found.servers else (),
            own_file=project.own_file,
            warnings=project.warnings,
            class_path=self._class_path,
            module_files=self._module_files,
        )


class _Recalled:
    """A kept project. What was not asked for when it was kept is worked out, and kept anew."""

    def __init__(self, kept: KeptProject, find_afresh: Callable[[], Found]) -> None:
        self._kept = kept
        self._find_afresh = find_afresh
        self._found: Found | None = None

    def project(self) -> WorkedOut:
        """Return the project."""
        return WorkedOut(
            model=self._kept.model,
            resolve=self._resolve,
            module_files=self._module_files,
            own_file=self._kept.own_file,
            warnings=self._kept.warnings,
        )

    def keep(self) -> None:
        """Keep what had to be worked out after all."""
        if self._found is not None:
            self._found.keep()

    def _resolve(self) -> ClassPath:
        found = self._kept.class_path
        return self._afresh().resolve() if found is None else found

    def _module_files(self) -> tuple[Path, ...]:
        found = self._kept.module_files
        return self._afresh().module_files() if found is None else found

    def _afresh(self) -> WorkedOut:
        if self._found is None:
            self._found = self._find_afresh()
        project = self._found.project
        assert project is not None  # noqa: S101  it was there when it was kept
        return project


def _key(path: Path, choice: MavenChoice) -> str:
    """Return text that is equal for questions that have one answer, while nothing changes."""
    arguments = choice.arguments
    try:
        here = str(Path.cwd())
    except OSError:  # it is gone; whoever needs it says so
        here = ""
    return json.dumps(
        [
            *map(str, (path, here, choice.cwd, choice.scope)),
            list(arguments.properties.items()),
            arguments.active_profiles,
            arguments.inactive_profiles,
            [str(file) for file in (arguments.settings, arguments.global_settings)],
            arguments.offline,
            choice.execution,
            choice.module,
            choice.class_path and str(choice.class_path),
            [
                [each.id, each.url, each.layout, repr((each.releases, each.snapshots))]
                for each in choice.repositories
            ],
        ]
    )


def _secrets(found: Found, trace: Trace, variables: Mapping[str, str]) -> frozenset[str]:
    """Return what is called secret in settings.xml, variables that were asked for, and by -D."""
    settings = found.servers.open()[0] if found.servers else None
    asked = variables if trace.variables is None else trace.variables
    there = {name: variables[name] for name in asked if name in variables}
    known = set(secrets_among(there, found.given))
    if settings is not None:
        known |= secrets_among(*(profile.body.properties for profile in settings.profiles))
        known |= {server.password for server in settings.servers if server.password}
        known |= {value for server in settings.servers for _, value in server.headers}
        known |= {proxy.password for proxy in settings.proxies if proxy.password}
    return frozenset(known)


def _seal(document: Json) -> bytes:
    body = json.dumps(document, separators=(",", ":")).encode()
    return _HEADER.pack(_MAGIC, zlib.crc32(body)) + body


def _believe(data: bytes, path: Path, host: HostEnvironment) -> KeptProject:
    """Return what was kept, if it is what would be worked out now; else raises ``ValueError``.

    Or another of its kind, for documents that are forged. One that says nothing of the POM at
    ``path`` would always hold: who knows neither its inode nor its times cannot write another.
    """
    document = _unseal(data)
    if document["code"] != code_version() or document["machine"] != machine_properties(host):
        raise ValueError("another pyjib or another machine wrote it")
    if not would_be_the_same(document["looks"], host.variables):
        raise ValueError("something has changed")
    own = str(absolute(path) / POM)
    if not any(read == own for read, *_ in document["looks"]["contents"]):
        raise ValueError("not written by pyjib")
    kept = decode(document["kept"])
    if not isinstance(kept, KeptProject) or not may_be_kept(kept.configuration):
        raise ValueError("not written by pyjib")
    return kept


def _unseal(data: bytes) -> Any:
    """Return the document; raises ``ValueError`` for bytes that are not one, or damaged."""
    body = data[_HEADER.size :]
    if len(data) < _HEADER.size or _HEADER.unpack_from(data) != (_MAGIC, zlib.crc32(body)):
        raise ValueError("not a kept project")
    return json.loads(body)
