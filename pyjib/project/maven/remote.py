"""Remote repositories: which are asked for what, and what who downloads has to promise.

POMs name repositories, settings.xml puts mirrors in their place, the command line adds its own.
Nothing here talks to anybody: ``Downloads`` is what ``pyjib.maven_remote`` implements. Maven's
own repository, ``central``, has no address unless one of those three gives it one.
Specification: ``maven-and-gradle-projects`` §4; the reasons are in docs/adr/007.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Protocol

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.patterns import late
from pyjib.project.maven.model import Repository, RepositoryPolicy

if TYPE_CHECKING:  # the command line wants no more of this than to parse an address
    from pyjib.project.maven.artifact import Artifact
    from pyjib.project.maven.settings import Mirror

CENTRAL = Repository(id="central", url="", snapshots=RepositoryPolicy(enabled=False))
"""Maven's own repository. It has no address here: nothing is fetched from it unless told."""

_URL = late(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<host>[^/?#]*))?[^\s]*")
_WITH_ID = late(r"([A-Za-z0-9_.-]+)=(.+)")
_FETCHED = frozenset(("http", "https", "file"))
_HERE = frozenset(("localhost", "127.0.0.1"))
_PLAIN = frozenset(("http", "dav", "dav:http", "dav+http"))


@frozen
class Remote:
    """A repository as it is asked: a mirror already stands for what it mirrors.

    ``id`` is what files are tracked and logins are found by; a user may be in ``url``. ``blocked`` tells why nothing may be
    asked of it, ``None`` for all others.
    """

    id: str
    url: str = field(repr=False)
    releases: RepositoryPolicy = field(default_factory=RepositoryPolicy)
    snapshots: RepositoryPolicy = field(default_factory=RepositoryPolicy)
    blocked: str | None = None

    def policy(self, *, snapshot: bool) -> RepositoryPolicy:
        """Return what holds for snapshots, or for releases."""
        return self.snapshots if snapshot else self.releases

    def __str__(self) -> str:
        return f"{self.id} ({hide_user(self.url)})"


@frozen
class Account:
    """What came of looking for something: a clause for a message, and what helps.

    ``searched`` tells that every repository was asked and none has it.
    """

    text: str = ""
    hint: str | None = None
    searched: bool = False


class Downloads(Protocol):
    """Fills the local repository from remote ones.

    ``repositories`` are those that the asking POM has, before mirrors. What no repository has
    stays missing, and ``account`` tells of it; nothing raises but a cancelled build, settings
    that cannot be used, and a disk that cannot be written.
    """

    def fetch(self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]) -> None:
        """Download files, several at once, in exactly these versions."""
        ...

    def fetch_ahead(
        self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]
    ) -> None:
        """Begin to download files that will most likely be asked for."""
        ...

    def update(
        self, group: str, artifact: str, version: str | None, repositories: Sequence[Repository]
    ) -> bool:
        """Renew metadata, of all versions or of one snapshot; tell whether a file changed."""
        ...

    def account(self, artifact: Artifact) -> Account:
        """Return what came of an artifact that was asked for."""
        ...

    def close(self) -> None:
        """End what was begun ahead, and close connections; asking for more opens them again."""
        ...


class Remotes:
    """From the repositories that POMs name to those that are asked."""

    def __init__(self, mirrors: Sequence[Mirror], given: Sequence[Repository] = ()) -> None:
        self._mirrors, self._given = tuple(mirrors), tuple(given)
        self._known: dict[tuple[Repository, ...], tuple[Remote, ...]] = {}

    def of(self, repositories: Sequence[Repository]) -> tuple[Remote, ...]:
        """Return whom to ask, in order: those of the command line, then Maven's order.

        Repositories without an address are left out, ``central`` among them.
        """
        key = tuple(repositories)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._remotes(key)
        return found

    def has_all(self, repositories: Sequence[Repository]) -> bool:
        """Tell whether none is left out: ``central`` has an address, by a mirror or by its own."""
        central = next(
            (each for each in (*self._given, *repositories) if each.id == CENTRAL.id), CENTRAL
        )
        return bool(central.url) or find_mirror(self._mirrors, central) is not None

    def _remotes(self, repositories: tuple[Repository, ...]) -> tuple[Remote, ...]:
        found: dict[str, Remote] = {}
        for repository in self._given:
            self._add(_as_it_is(repository, self._blocker(repository)), found)
        named = {repository.id for repository in (*self._given, *repositories)}
        central = () if CENTRAL.id in named else (CENTRAL,)
        for repository in (*repositories, *central):
            mirror = find_mirror(self._mirrors, repository)
            if mirror is not None:
                self._add(_mirrored(repository, mirror), found)
            elif repository.url and "${" not in repository.url:
                self._add(_as_it_is(repository, None), found)
        return tuple(found.values())

    def _blocker(self, repository: Repository) -> Mirror | None:
        """Mirrors do not stand for what the command line names; but a ban holds there too."""
        mirror = find_mirror(self._mirrors, repository)
        return mirror if mirror is not None and mirror.blocked else None

    @staticmethod
    def _add(remote: Remote, found: dict[str, Remote]) -> None:
        known = found.get(remote.id)
        if known is None:
            found[remote.id] = remote
        elif known.url == remote.url:  # one mirror stands for several
            found[remote.id] = replace(
                known,
                releases=_united(known.releases, remote.releases),
                snapshots=_united(known.snapshots, remote.snapshots),
            )


def find_mirror(mirrors: Iterable[Mirror], repository: Repository) -> Mirror | None:
    """Return the mirror that stands for a repository: by its very id first, then by pattern."""
    mirrors = tuple(mirror for mirror in mirrors if _has_layout(mirror.layouts, repository.layout))
    by_name = (mirror for mirror in mirrors if mirror.mirror_of == repository.id)
    by_pattern = (mirror for mirror in mirrors if _matches(mirror.mirror_of, repository))
    return next(by_name, None) or next(by_pattern, None)


def parse_repository(text: str) -> Repository:
    """Parse ``URL`` or ``ID=URL``; a URL alone is where Maven's own repository is to be found.

    Raises ``ConfigurationError``.
    """
    named = _WITH_ID.fullmatch(text.strip())
    name, url = (named[1], named[2]) if named else (CENTRAL.id, text.strip())
    scheme, _ = _parts(url)
    if scheme not in _FETCHED:
        raise ConfigurationError(
            f"{hide_user(text)!r} is no URL of a Maven repository",
            hint="write https://HOST/PATH, or ID=https://HOST/PATH",
        )
    return Repository(id=name, url=url)


def hide_user(url: str) -> str:
    """Return a URL without the user and password in it."""
    return re.sub(r"//[^/?#@]*@", "//", url)


def _matches(pattern: str, repository: Repository) -> bool:
    matched = False
    for entry in pattern.split(","):
        if entry.startswith("!") and entry[1:] == repository.id:
            return False
        if entry == repository.id:
            return True
        matched = (
            matched
            or entry == "*"
            or (entry == "external:*" and _is_external(repository.url))
            or (entry == "external:http:*" and _is_external(repository.url, plain=True))
        )
    return matched


def _has_layout(pattern: str, layout: str) -> bool:
    parts = pattern.split(",")
    return f"!{layout}" not in parts and (layout in parts or "*" in parts)


def _is_external(url: str, *, plain: bool = False) -> bool:
    scheme, host = _parts(url)
    if plain:
        return scheme in _PLAIN and host not in _HERE
    return scheme != "file" and host not in _HERE


def _parts(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL, both empty for what is none."""
    match = _URL.fullmatch(url)
    if match is None:
        return "", ""
    host = (match["host"] or "").rpartition("@")[2]
    return match["scheme"].lower(), re.sub(r":\d*$", "", host).lower()


def _as_it_is(repository: Repository, blocker: Mirror | None) -> Remote:
    if blocker is not None:
        return _mirrored(repository, blocker)
    return Remote(
        id=repository.id,
        url=repository.url,
        releases=repository.releases,
        snapshots=repository.snapshots,
    )


def _mirrored(repository: Repository, mirror: Mirror) -> Remote:
    """Return a mirror, which keeps the policies of what it stands for."""
    blocked = None
    if mirror.blocked:
        what = hide_user(repository.url) or "Maven's own"
        blocked = f"Blocked mirror for repositories: [{repository.id} ({what})]"
    return Remote(
        id=mirror.id,
        url=mirror.url,
        releases=repository.releases,
        snapshots=repository.snapshots,
        blocked=blocked,
    )


def _united(first: RepositoryPolicy, second: RepositoryPolicy) -> RepositoryPolicy:
    if first.enabled:
        return first
    return second if second.enabled else first
