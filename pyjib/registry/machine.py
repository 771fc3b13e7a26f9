"""What Docker and Podman on this machine are set up with about registries.

From Docker's ``daemon.json``: ``registry-mirrors`` (of Docker Hub) and ``insecure-registries``.
From ``registries.conf`` and ``registries.conf.d`` (containers-registries.conf(5), version 2):
``[[registry]]`` with ``prefix``, ``location``, ``insecure``, ``blocked``,
``mirror-by-digest-only``, and its mirrors with ``pull-from-mirror``.

From containerd's ``hosts.toml`` files what ``containerd`` reads.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.presence import is_file, is_folder

if TYPE_CHECKING:
    from pyjib.registry.containerd import Namespace
    from pyjib.registry.net.certificates import HostCertificates

_LARGEST = 1 << 20
_HOW = {"": (True, True), "all": (True, True), "digest-only": (False, True)}
_HOW["tag-only"] = (True, False)

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen
class StandIn:
    """A mirror: ``HOST[:PORT][/PATH]``, and whether it is asked for tags and for digests."""

    location: str
    tags: bool = True
    digests: bool = True


@frozen
class Rule:
    """A ``[[registry]]`` of registries.conf; ``file`` is where it stands.

    It is for names that start with ``prefix``: a host with or without a path, or ``*.DOMAIN``.
    """

    prefix: str
    file: Path
    location: str = ""
    blocked: bool = False
    mirrors: tuple[StandIn, ...] = ()

    def match(self, name: str) -> int:
        """Return how many characters of ``HOST/PATH`` the prefix stands for; 0 if it does not."""
        host, _, _ = name.partition("/")
        if self.prefix.startswith("*."):
            return len(host) if host.endswith(self.prefix[1:]) else 0
        fits = name == self.prefix or name.startswith(f"{self.prefix}/")
        return len(self.prefix) if fits else 0


@frozen
class Machine:
    """All of it. ``insecure`` tells by host, ``insecure_networks`` by address, which file says so.

    A host without a port stands for all its ports there. ``hub_mirrors`` are Docker's, from
    ``hub_file``; ``namespaces`` are containerd's, by registry, that for all others at "".
    ``closed`` tells of files and folders that may not be read, and were passed over.
    """

    hub_mirrors: tuple[StandIn, ...] = ()
    hub_file: Path | None = None
    rules: tuple[Rule, ...] = ()
    insecure: Mapping[str, Path] = field(default_factory=dict)
    insecure_networks: tuple[tuple[_Network, Path], ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    closed: tuple[str, ...] = field(default=(), compare=False)

    def why_insecure(self, host: str, port: int) -> Path | None:
        """Return the file that lets a host be talked to without TLS, ``None`` if none does.

        Raises ``ConfigurationError`` if the host's own ``hosts.toml`` cannot be used.
        """
        name = host.lower()
        self._check_namespace(name, port)
        for key in (f"{name}:{port}", name):
            if key in self.insecure:
                return self.insecure[key]
        for pattern, file in self.insecure.items():
            if pattern.startswith("*.") and name.endswith(pattern[1:]):
                return file
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return None
        return next((file for network, file in self.insecure_networks if address in network), None)

    def rule_for(self, name: str) -> Rule | None:
        """Return the rule for ``HOST/PATH``: that with the longest prefix."""
        fitting = [rule for rule in self.rules if rule.match(name)]
        # A wildcard says less than any host's name.
        return max(
            fitting,
            key=lambda rule: (not rule.prefix.startswith("*."), len(rule.prefix)),
            default=None,
        )

    def namespace_for(self, registry: str) -> Namespace | None:
        """Return what containerd has for a registry, or for all that it has nothing else for.

        Raises ``ConfigurationError`` if that file cannot be used; others may be as they like.
        """
        found = self.namespaces.get(registry, self.namespaces.get(""))
        if found is not None and found.trouble:
            raise _unusable(found.file, found.trouble)
        return found

    def certificates_for(self, host: str, port: int) -> HostCertificates | None:
        """Return what containerd trusts and shows a host by: the first that says anything.

        Raises ``ConfigurationError`` if the host's own ``hosts.toml`` cannot be used.
        """
        self._check_namespace(host.lower(), port)
        for namespace in self.namespaces.values():
            for each in filter(None, (*namespace.hosts, namespace.server)):
                if each.place == (host, port) and each.certificates is not None:
                    return each.certificates
        return None

    def _check_namespace(self, host: str, port: int) -> None:
        for name in (f"{host}:{port}", host) if port in (80, 443) else (f"{host}:{port}",):
            if name in self.namespaces:
                self.namespace_for(name)


class _ClosedError(ConfigurationError):
    """A file that nobody named is there, and may not be read."""


def read_machine(host: HostEnvironment) -> Machine:
    """Read the files that there are; raises ``ConfigurationError`` for one that cannot be used.

    What lies in a usual place and may not be read is passed over, as a file of logins is. A
    ``hosts.toml`` that cannot be used is an error to those only who ask for its registry.
    """
    insecure: dict[str, Path] = {}
    networks: list[tuple[_Network, Path]] = []
    hub_mirrors: tuple[StandIn, ...] = ()
    closed: list[str] = []
    daemon = next((path for path in _daemon_files(host) if is_file(path)), None)
    if daemon is not None:
        try:
            document = _json(daemon)
        except _ClosedError as error:
            closed.append(error.message)
            document = {}
        hub_mirrors = tuple(_hub_mirrors(document, daemon, insecure))
        for entry in _texts(document, "insecure-registries", daemon):
            _let_as_docker(entry, daemon, insecure, networks)
    rules: dict[str, Rule] = {}
    for path, document in _containers_documents(host, closed):
        for table in _tables(document, "registry", path):
            rule = _rule(table, path, insecure)
            rules[rule.prefix] = rule
    namespaces = _namespaces(host, closed)
    for namespace in namespaces.values():
        for each in filter(None, (*namespace.hosts, namespace.server)):
            if not each.verifies:
                _let_exactly(each.location, namespace.file, insecure)
    return Machine(
        hub_mirrors=hub_mirrors,
        hub_file=daemon if hub_mirrors else None,
        rules=tuple(rules.values()),
        insecure=insecure,
        insecure_networks=tuple(networks),
        namespaces=namespaces,
        closed=tuple(closed),
    )


def _config(host: HostEnvironment) -> Path:
    own = host.get("XDG_CONFIG_HOME")
    return Path(own) if own else host.home / ".config"


def _daemon_files(host: HostEnvironment) -> Iterator[Path]:
    """Yield where a daemon's configuration may lie: rootless, Docker Desktop's, the machine's."""
    yield _config(host) / "docker" / "daemon.json"
    yield host.home / ".docker" / "daemon.json"
    if host.system is not None:
        folder = host.system / "docker"
        yield (folder / "config" if os.name == "nt" else folder) / "daemon.json"


def _containers_documents(
    host: HostEnvironment, closed: list[str]
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield what may be read, and add to ``closed`` what may not, but for a file that is named."""
    named = host.get("CONTAINERS_REGISTRIES_CONF")
    for path in _containers_files(host, named, closed):
        try:
            yield path, _toml(path)
        except _ClosedError as error:
            if named and path == Path(named):
                raise
            closed.append(error.message)


def _containers_files(
    host: HostEnvironment, named: str | None, closed: list[str]
) -> Iterator[Path]:
    """Yield the files that are there; of two with the same prefix the later counts."""
    own = _config(host) / "containers"
    folders = [own] if host.system is None else [host.system / "containers", own]
    mains = [Path(named)] if named else [folder / "registries.conf" for folder in folders[::-1]]
    main = next((path for path in mains if is_file(path)), None)
    if main is not None:
        yield main
    for folder in folders:
        try:
            found = sorted((folder / "registries.conf.d").glob("*.conf"))
        except OSError as error:
            closed.append(_unusable(folder, error.strerror or str(error)).message)
            continue
        yield from found


def _namespaces(host: HostEnvironment, closed: list[str]) -> Mapping[str, Namespace]:
    parents = [_config(host)] if host.system is None else [_config(host), host.system]
    folders = [parent / "containerd" / "certs.d" for parent in parents]
    if not any(map(is_folder, folders)):
        return {}
    from pyjib.registry.containerd import read_namespaces  # noqa: PLC0415  few machines have any

    def pass_over(file: Path, error: OSError) -> None:
        closed.append(_unusable(file, error.strerror or str(error)).message)

    return read_namespaces(folders, pass_over)


def _hub_mirrors(
    document: Mapping[str, Any], path: Path, insecure: dict[str, Path]
) -> Iterator[StandIn]:
    for entry in _texts(document, "registry-mirrors", path):
        scheme, divider, rest = entry.partition("://")
        location = (rest if divider else entry).rstrip("/")
        if divider and scheme not in ("http", "https"):
            raise _unusable(path, f"registry-mirrors has {entry!r}, which is no http address")
        if scheme == "http" and divider:
            _let_exactly(location, path, insecure)
        yield StandIn(location=location)


def _let_as_docker(
    entry: str, path: Path, insecure: dict[str, Path], networks: list[tuple[_Network, Path]]
) -> None:
    """Mark an entry of ``insecure-registries``: a network with ``/N``, for all ports, or a host."""
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        _let_exactly(entry.partition("://")[2] or entry, path, insecure)
        return
    if "/" in entry:
        networks.append((network, path))
    else:
        name = f"[{entry}]" if network.version == 6 else entry
        _let_exactly(name, path, insecure)


def _let_exactly(location: str, path: Path, insecure: dict[str, Path]) -> None:
    """Mark a host as insecure as Docker means it: without a port, on those of http and https."""
    host = _host(location)
    has_port = host.rpartition(":")[2].isdecimal() and not host.endswith("]")
    for name in (host,) if has_port else (f"{host}:80", f"{host}:443"):
        insecure.setdefault(name, path)


def _rule(entry: Mapping[str, Any], path: Path, insecure: dict[str, Path]) -> Rule:
    location, prefix = _text(entry, "location", path), _text(entry, "prefix", path)
    prefix = (prefix or location).rstrip("/")
    if not prefix:
        raise _unusable(path, "a [[registry]] has neither prefix nor location")
    if _flag(entry, "insecure", path):
        insecure.setdefault(_host(location or prefix), path)
    by_digest_only = _flag(entry, "mirror-by-digest-only", path)
    mirrors = []
    for mirror in _tables(entry, "mirror", path):
        place = _text(mirror, "location", path).rstrip("/")
        if not place:
            raise _unusable(path, f"a mirror of {prefix} has no location")
        if _flag(mirror, "insecure", path):
            insecure.setdefault(_host(place), path)
        how = _text(mirror, "pull-from-mirror", path)
        if how not in _HOW:
            raise _unusable(path, f"pull-from-mirror is {how!r}, not all, digest-only or tag-only")
        tags, digests = _HOW[how]
        tags = tags and not by_digest_only
        mirrors.append(StandIn(location=place, tags=tags, digests=digests))
    return Rule(
        prefix=prefix.lower() if "/" not in prefix else prefix,
        file=path,
        location=location.rstrip("/"),
        blocked=_flag(entry, "blocked", path),
        mirrors=tuple(mirrors),
    )


def _host(location: str) -> str:
    return location.partition("/")[0].lower()


def _json(path: Path) -> Mapping[str, Any]:
    try:
        document: Any = json.loads(_read(path) or "{}")
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"it is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise _unusable(path, "it is not an object")
    return document


def _toml(path: Path) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415  only who has such a file needs it

    try:
        return tomllib.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"it is not TOML: {error}") from None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8-sig")
    except OSError as error:
        unusable = _unusable(path, error.strerror or str(error))
        raise _ClosedError(unusable.message, hint=unusable.hint) from None
    except UnicodeDecodeError:
        raise _unusable(path, "it is not text") from None


def _texts(document: Mapping[str, Any], name: str, path: Path) -> list[str]:
    found = document.get(name) or []
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise _unusable(path, f"{name} is not a list of texts")
    return found


def _tables(document: Mapping[str, Any], name: str, path: Path) -> list[Mapping[str, Any]]:
    found = document.get(name) or []
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise _unusable(path, f"{name} is not written as [[{name}]]")
    return found


def _text(table: Mapping[str, Any], name: str, path: Path) -> str:
    found = table.get(name, "")
    if not isinstance(found, str):
        raise _unusable(path, f"{name} is not text")
    return found


def _flag(table: Mapping[str, Any], name: str, path: Path) -> bool:
    found = table.get(name, False)
    if not isinstance(found, bool):
        raise _unusable(path, f"{name} is neither true nor false")
    return found


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot read how registries are set up in {path}: {reason}",
        hint="correct the file, or pass --no-mirrors to go without it",
    )
