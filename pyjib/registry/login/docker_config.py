"""Docker's ``config.json``, and Podman's ``auth.json`` of the same shape.

.. code-block:: json

    {
      "auths": {"r.io": {"auth": "dXNlcjpwYXNzd29yZA=="}},
      "credHelpers": {"123.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"},
      "credsStore": "desktop"
    }

Members that are not understood survive a rewrite. An old ``.dockercfg`` is ``auths`` alone.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

from pyjib.errors import ConfigurationError
from pyjib.files import Partial, remove_abandoned
from pyjib.frozen import frozen
from pyjib.oci.json import Json
from pyjib.options import HostEnvironment
from pyjib.presence import is_folder
from pyjib.registry.login.credential import Credential, is_unicode, names_of, server_of
from pyjib.registry.login.origins import Origin

_MAX_CONFIG = 4 * 1024 * 1024
_MOST_HOLDERS = 32_768
"""Objects and lists: a login is one object, and an empty list takes 30 times its text."""
_DEEP = 16
"""More levels than any program that keeps logins writes."""
_API_PATHS = ("", "/", "/v1", "/v1/", "/v2", "/v2/")
_HUB_WEB_LOGIN = ("access-token", "refresh-token")


class UnreadableError(ConfigurationError):
    """A config is there and may not be read, or is no file."""


@frozen
class NamedHelper:
    """A credential helper, and ``by``, the member of a config that names it, for messages."""

    name: str
    by: str


@frozen
class DockerConfig:
    """A parsed config, and where it came from."""

    origin: Origin
    document: Json = field(repr=False)

    def helper_for(self, registry: str) -> NamedHelper | None:
        """Return the helper that keeps logins to ``registry``, if one does; it masks ``auths``.

        An empty name in ``credHelpers`` excepts a registry from ``credsStore``, as Docker has it.
        """
        helpers, source = self._member("credHelpers"), self.origin.source
        for name in names_of(registry):
            helper = helpers.get(name)
            if isinstance(helper, str):
                by = f"the entry {name} of credHelpers in {source}"
                return NamedHelper(name=helper, by=by) if helper else None
        store = self.document.get("credsStore")
        if not isinstance(store, str) or not store:
            return None
        return NamedHelper(name=store, by=f"credsStore in {source}")

    def find(self, registry: str, repository: str) -> Credential | None:
        """Return the login for a repository in ``auths``."""
        auths = self._member("auths")
        for key in _keys(auths, registry, repository):
            entry = auths[key]
            if isinstance(entry, dict):
                # A new login to all of the registry would not go before one to a part of it.
                part = key if key in _part_keys(registry, repository) else ""
                renewal = self.origin.renewal(registry, part)
                credential = self._credential(key, entry, renewal)
                if credential is not None:
                    return credential
        return None

    def with_login(self, registry: str, username: str, password: str) -> DockerConfig:
        """Return the config with a login in ``auths``, or an empty entry without a user."""
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        auths = {**self._member("auths"), server_of(registry): {"auth": pair} if username else {}}
        return DockerConfig(origin=self.origin, document={**self.document, "auths": auths})

    def without_login(self, registry: str) -> DockerConfig:
        """Return the config without logins to ``registry`` as a whole.

        Those to a part of it stay, and those with ``*``, which others have a share in.
        """
        auths = self._member("auths")
        gone = set(_own_keys(auths, registry))
        gone |= {f"{server_of(registry)}{name}" for name in _HUB_WEB_LOGIN}
        kept = {key: entry for key, entry in auths.items() if key not in gone}
        if len(kept) == len(auths):
            return self
        return DockerConfig(origin=self.origin, document={**self.document, "auths": kept})

    def _member(self, name: str) -> Json:
        value = self.document.get(name)
        return value if isinstance(value, dict) else {}

    def _credential(self, key: str, entry: Json, renewal: str) -> Credential | None:
        def text(name: str) -> str:
            value = entry.get(name)
            return value if isinstance(value, str) else ""

        username, password = text("username"), text("password")
        if text("auth"):
            username, password = self._decode(key, text("auth"), renewal)
        found = Credential(
            source=self.origin.source,
            username=username,
            password=password,
            identity_token=text("identitytoken"),
            registry_token=text("registrytoken"),
            renewal=renewal,
        )
        usable = username or found.identity_token or found.registry_token
        return found if usable else None

    def _decode(self, key: str, auth: str, renewal: str) -> tuple[str, str]:
        try:
            # The program base64 divides long lines, and Docker does not mind.
            text = auth.replace("\n", "").replace("\r", "")
            pair = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            pair = ""
        username, colon, password = pair.partition(":")
        if not colon:
            raise ConfigurationError(
                f"{self.origin.source}: the auth of {key} is not user:password in base64",
                hint=renewal,
            )
        return username, password.strip("\0")


def _keys(auths: Json, registry: str, repository: str) -> Iterator[str]:
    """Yield keys of ``auths`` that fit, the closest first.

    Podman files logins by a part of the repository's path too. Docker's web login has keys
    beside Docker Hub's own that are no logins; comparing whole paths passes them by.
    """
    yield from (key for key in _part_keys(registry, repository) if key in auths)
    yield from _own_keys(auths, registry)
    names, parts = names_of(registry), _parts(repository)
    wild = (key for key in auths if "*" in key and _fits(key, names, parts))
    yield from sorted(wild, key=len, reverse=True)


def _part_keys(registry: str, repository: str) -> list[str]:
    """Return the keys of the parts of a registry that a repository lies in, the closest first."""
    parts = _parts(repository)
    return [
        f"{name}/{'/'.join(parts[:length])}"
        for length in range(len(parts), 0, -1)
        for name in names_of(registry)
    ]


def _parts(repository: str) -> list[str]:
    return repository.split("/") if repository else []


def _own_keys(auths: Json, registry: str) -> Iterator[str]:
    """Yield keys of ``auths`` that are of a registry as a whole, and of no other."""
    names = names_of(registry)
    yield from (name for name in names if name in auths)
    yield from (key for key in auths if key not in names and _host_of(key) in names)


def _fits(key: str, names: tuple[str, ...], parts: list[str]) -> bool:
    """Tell whether a key with ``*`` in its host fits: within a label, and not in the last two.

    As in Docker's own, and in Kubernetes' secrets, where a path may follow.
    """
    rest = (key.partition("://")[2] or key).rstrip("/")
    host, _, path = rest.partition("/")
    labels = host.lower().split(".")
    if any("*" in label for label in labels[-2:]):
        return False
    below = [part for part in path.split("/") if part]
    if below and f"/{path}" not in _API_PATHS and parts[: len(below)] != below:
        return False
    return any(_match(labels, name.split(".")) for name in names)


def _match(patterns: list[str], labels: list[str]) -> bool:
    return len(patterns) == len(labels) and all(
        _match_label(pattern, label) for pattern, label in zip(patterns, labels, strict=True)
    )


def _match_label(pattern: str, label: str) -> bool:
    # Not by a regular expression: many stars could keep one busy for years.
    first, *others = pattern.split("*")
    if not others:
        return label == first
    *between, last = others
    if not label.startswith(first) or not label.endswith(last):
        return False
    place, end = len(first), len(label) - len(last)
    for part in between:
        found = label.find(part, place, max(place, end))
        if found < 0:
            return False
        place = found + len(part)
    return place <= end


def _host_of(key: str) -> str | None:
    """Return the host of a key such as ``https://r.io/v1/``, ``None`` if it has another path."""
    rest = key.partition("://")[2] or key
    host, slash, path = rest.partition("/")
    return host.lower() if slash + path in _API_PATHS else None


def path_of(host: HostEnvironment) -> Path:
    """Return where Docker keeps its config, whether or not the file exists."""
    folder = host.get("DOCKER_CONFIG")
    return (Path(folder) if folder else host.home / ".docker") / "config.json"


def read(path: Path, origin: Origin | None = None) -> DockerConfig | None:
    """Read a config; ``None`` if there is no such file.

    ``origin`` tells what leads to it, if it does not just lie there. Raises ``UnreadableError``
    for one that may not be read, and ``ConfigurationError``.
    """
    origin = origin or Origin.of_file(path)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_CONFIG + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if is_folder(path):  # which Windows calls one that may not be read
            raise UnreadableError(
                f"cannot read logins from {path}: it is a directory",
                hint=f"remove the directory, or {origin.other}: a container gets one where a file "
                "is mounted that is not there",
            ) from None
        raise UnreadableError(
            f"cannot read logins from {path}: {error.strerror}",
            hint=f"give its user the right to read it, or {origin.other}",
        ) from None
    return parse(data.decode("utf-8-sig", "replace"), origin)


def parse(text: str, origin: Origin) -> DockerConfig:
    """Parse the text of a config; raises ``ConfigurationError`` naming its source, not the text."""
    document, wrong = _load(text)
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{origin.source} {wrong or 'is not a JSON object'}", hint=origin.correction
        )
    if origin.source.endswith(".dockercfg"):
        document = {"auths": document}
    return DockerConfig(origin=origin, document=document)


def _load(text: str) -> tuple[Any, str]:
    """Return the value and ``""``, or ``None`` and what is wrong with the text."""
    if len(text) > _MAX_CONFIG:
        return None, f"is larger than {_MAX_CONFIG} bytes"
    if text.count("[") + text.count("{") > _MOST_HOLDERS:
        return None, f"has more than {_MOST_HOLDERS} objects and lists"
    try:
        return (json.loads(text) if text.strip() else {}), ""
    except json.JSONDecodeError as error:
        return None, f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        return None, "is not JSON"


def _is_deep(document: Json) -> bool:
    """Tell whether indentation would be most of the text: 400 KB could become 80 MB."""
    level: list[Any] = [document]
    for _ in range(_DEEP):
        level = [
            value
            for holder in level
            for value in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(value, dict | list)
        ]
        if not level:
            return False
    return True


def write(config: DockerConfig, path: Path) -> None:
    """Write a config so that readers see the old or the new one; only its owner may read it.

    A symbolic link stays one. Raises ``ConfigurationError``.
    """
    indent = None if _is_deep(config.document) else "\t"
    text = json.dumps(config.document, indent=indent, ensure_ascii=False)
    if not is_unicode(text):
        text = json.dumps(config.document, indent=indent)  # as escapes, which it was read from
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        remove_abandoned(target.parent, target.name)
        with Partial(target, private=True) as partial:
            partial.file.write(text.encode())
            partial.arrive(durable=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write logins to {path}: {error.strerror}",
            hint=config.origin.other,
        ) from None
