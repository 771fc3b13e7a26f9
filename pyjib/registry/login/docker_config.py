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
from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Any, TypeAlias

from pyjib.errors import ConfigurationError
from pyjib.files import Partial, remove_abandoned
from pyjib.frozen import frozen
from pyjib.oci.json import Json
from pyjib.options import HostEnvironment
from pyjib.presence import is_folder
from pyjib.registry.login.credential import Credential, is_unicode, names_of, server_of

_MAX_CONFIG = 4 * 1024 * 1024
_MOST_HOLDERS = 32_768
"""Objects and lists: a login is one object, and an empty list takes 30 times its text."""
_DEEP = 16
"""More levels than any program that keeps logins writes."""
_API_PATHS = ("", "/", "/v1", "/v1/", "/v2", "/v2/")
_DIRECTORY_HINT = (
    "remove the directory, or name another place in DOCKER_CONFIG: a container gets one where a "
    "file is mounted that is not there"
)
_HUB_WEB_LOGIN = ("access-token", "refresh-token")

AskHelper: TypeAlias = Callable[[str, str], Credential | None]
"""Asks ``docker-credential-NAME`` (first argument) for the login to a server (second)."""


class UnreadableError(ConfigurationError):
    """A config is there and may not be read, or is no file."""


@frozen
class DockerConfig:
    """A parsed config; ``source`` is its path or the variable that it was in."""

    source: str
    document: Json = field(repr=False)

    def helper_for(self, registry: str) -> str | None:
        """Return the name of the helper that keeps logins to ``registry``, if one does.

        An empty name in ``credHelpers`` excepts a registry from ``credsStore``, as Docker has it.
        """
        helpers = self._member("credHelpers")
        for name in names_of(registry):
            helper = helpers.get(name)
            if isinstance(helper, str):
                return helper or None
        store = self.document.get("credsStore")
        return store if isinstance(store, str) and store else None

    def find(self, registry: str, repository: str, ask: AskHelper) -> Credential | None:
        """Return the login for a repository; a configured helper masks ``auths``."""
        helper = self.helper_for(registry)
        if helper is not None:
            return ask(helper, server_of(registry))
        auths = self._member("auths")
        for key in _keys(auths, registry, repository):
            entry = auths[key]
            credential = self._credential(key, entry) if isinstance(entry, dict) else None
            if credential is not None:
                return credential
        return None

    def with_login(self, registry: str, username: str, password: str) -> DockerConfig:
        """Return the config with a login in ``auths``, or an empty entry without a user."""
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        auths = {**self._member("auths"), server_of(registry): {"auth": pair} if username else {}}
        return DockerConfig(source=self.source, document={**self.document, "auths": auths})

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
        return DockerConfig(source=self.source, document={**self.document, "auths": kept})

    def _member(self, name: str) -> Json:
        value = self.document.get(name)
        return value if isinstance(value, dict) else {}

    def _credential(self, key: str, entry: Json) -> Credential | None:
        def text(name: str) -> str:
            value = entry.get(name)
            return value if isinstance(value, str) else ""

        username, password = text("username"), text("password")
        if text("auth"):
            username, password = self._decode(key, text("auth"))
        found = Credential(
            source=self.source,
            username=username,
            password=password,
            identity_token=text("identitytoken"),
            registry_token=text("registrytoken"),
        )
        usable = username or found.identity_token or found.registry_token
        return found if usable else None

    def _decode(self, key: str, auth: str) -> tuple[str, str]:
        try:
            # The program base64 divides long lines, and Docker does not mind.
            text = auth.replace("\n", "").replace("\r", "")
            pair = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            pair = ""
        username, colon, password = pair.partition(":")
        if not colon:
            raise ConfigurationError(
                f"{self.source}: the auth of {key} is not user:password in base64",
                hint=f"log in again with pyjib login {key}",
            )
        return username, password.strip("\0")


def _keys(auths: Json, registry: str, repository: str) -> Iterator[str]:
    """Yield keys of ``auths`` that fit, the closest first.

    Podman files logins by a part of the repository's path too. Docker's web login has keys
    beside Docker Hub's own that are no logins; comparing whole paths passes them by.
    """
    names = names_of(registry)
    parts = repository.split("/") if repository else []
    for length in range(len(parts), 0, -1):
        for name in names:
            key = f"{name}/{'/'.join(parts[:length])}"
            if key in auths:
                yield key
    yield from _own_keys(auths, registry)
    wild = (key for key in auths if "*" in key and _fits(key, names, parts))
    yield from sorted(wild, key=len, reverse=True)


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


def read(path: Path) -> DockerConfig | None:
    """Read a config; ``None`` if there is no such file.

    Raises ``UnreadableError`` for one that may not be read, and ``ConfigurationError``.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_CONFIG + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if is_folder(path):  # which Windows calls one that may not be read
            raise UnreadableError(
                f"cannot read logins from {path}: it is a directory", hint=_DIRECTORY_HINT
            ) from None
        raise UnreadableError(
            f"cannot read logins from {path}: {error.strerror}",
            hint="give its user the right to read it, or name another directory in DOCKER_CONFIG",
        ) from None
    return parse(data.decode("utf-8", "replace"), str(path))


def parse(text: str, source: str) -> DockerConfig:
    """Parse the text of a config; raises ``ConfigurationError`` naming ``source``, not the text."""
    document, wrong = _load(text)
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{source} {wrong or 'is not a JSON object'}",
            hint="correct it, or move it away and log in anew with pyjib login: it should look "
            "like Docker's config.json",
        )
    if source.endswith(".dockercfg"):
        document = {"auths": document}
    return DockerConfig(source=source, document=document)


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
            hint="DOCKER_CONFIG names another directory for config.json",
        ) from None
