"""What containerd on this machine is set up with about registries: its ``hosts.toml`` files.

A folder ``certs.d/HOST[:PORT]`` (also written ``HOST_PORT_``; ``_default`` is for all others) may
hold a ``hosts.toml``: hosts to ask before the registry in the order in which they stand, each with
``capabilities``, ``ca``, ``client``, ``skip_verify`` and ``override_path``, and ``server``, which
is asked in the registry's place ("Registry Configuration" in containerd's documentation). Such
hosts are asked with the name of the registry that they stand in for, as ``?ns=``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pyjib.errors import TransportError
from pyjib.frozen import frozen
from pyjib.presence import is_file
from pyjib.registry.net.certificates import HostCertificates
from pyjib.registry.net.urls import Url

HOSTS = "hosts.toml"
_DEFAULT = "_default"
_LARGEST = 1 << 20
_API = "/v2"
_CAPABILITIES = frozenset({"pull", "resolve", "push", "referrers"})


@frozen
class ContainerdHost:
    """A host to ask: ``location`` is ``HOST[:PORT][/PATH]``, or its whole address if it is none.

    It is asked for tags if it ``resolves``, and for digests if it ``pulls``. ``place`` is its
    host and port; without ``verifies`` any certificate will do there, or none.
    """

    location: str
    place: tuple[str, int]
    resolves: bool = True
    pulls: bool = True
    verifies: bool = True
    certificates: HostCertificates | None = None


@frozen
class Namespace:
    """What one ``hosts.toml``, which is ``file``, says: ``hosts`` in order, and the ``server``.

    The server is the registry itself unless another is named; ``None`` for that of all others.
    ``trouble`` is why the file cannot be used, if so: then nothing else is known.
    """

    file: Path
    hosts: tuple[ContainerdHost, ...] = ()
    server: ContainerdHost | None = None
    trouble: str = ""


class _UnusableError(Exception):
    """A ``hosts.toml`` says what cannot be understood; the text tells what."""


def read_namespaces(
    parents: Iterable[Path], pass_over: Callable[[Path, OSError], None]
) -> dict[str, Namespace]:
    """Return what folders ``certs.d`` hold, by registry; of two for one the first counts.

    That for all others is at the empty name. A file that cannot be used is told of as
    ``trouble``, for it is none to a build that asks for other registries; ``pass_over`` is told
    of one that may not be read.
    """
    found: dict[str, Namespace] = {}
    for parent in parents:
        try:
            folders = sorted(parent.iterdir())
        except OSError:
            continue  # most machines have none, and a closed one is as good as absent
        for folder in folders:
            file = folder / HOSTS
            if is_file(file):
                registry = _registry_of(folder.name)
                if registry not in found:
                    try:
                        found[registry] = _read(file, registry)
                    except OSError as error:
                        pass_over(file, error)
    return found


def _registry_of(name: str) -> str:
    """Return the registry that a folder is for; on Windows a name cannot have a colon."""
    if name == _DEFAULT:
        return ""
    host, _, port = name.removesuffix("_").rpartition("_")
    return f"{host}:{port}".lower() if name.endswith("_") and port.isdecimal() else name.lower()


def _read(file: Path, registry: str) -> Namespace:
    try:
        return _namespace(file, registry)
    except _UnusableError as error:
        return Namespace(file=file, trouble=str(error))


def _namespace(file: Path, registry: str) -> Namespace:
    import tomllib  # noqa: PLC0415  only who has such a file needs it

    with file.open("rb") as opened:
        data = opened.read(_LARGEST)
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _UnusableError(f"it is not TOML: {error}") from None
    tables = document.get("host", {})
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise _UnusableError("its hosts are not written as [host.ADDRESS]")
    server = document.get("server") or registry
    if not isinstance(server, str):
        raise _UnusableError("server is not text")
    return Namespace(
        file=file,
        hosts=tuple(_host(address, table, file) for address, table in tables.items()),
        server=_host(server, document, file) if server else None,
    )


def _host(address: str, table: Mapping[str, Any], file: Path) -> ContainerdHost:
    try:
        url = Url.parse(address if "://" in address else f"https://{address}")
    except TransportError:
        raise _UnusableError(f"{address!r} is no address") from None
    able = table.get("capabilities") or sorted(_CAPABILITIES)
    if not isinstance(able, list) or not all(str(word).lower() in _CAPABILITIES for word in able):
        raise _UnusableError(f"the capabilities of {address} are not known")
    can = {str(word).lower() for word in able}
    skips = [table.get(name, False) for name in ("skip_verify", "override_path")]
    if not all(isinstance(flag, bool) for flag in skips):
        raise _UnusableError(f"skip_verify or override_path of {address} is not true or false")
    skip_verify, override_path = skips
    return ContainerdHost(
        location=_location(url, override_path=override_path),
        place=(url.host, url.port),
        resolves="resolve" in can,
        pulls="pull" in can,
        verifies=url.scheme == "https" and not skip_verify,
        certificates=_certificates(address, table, file),
    )


def _location(url: Url, *, override_path: bool) -> str:
    """Return where names begin below a host; the whole address if its API is not below /v2."""
    path = posixpath.normpath(url.target.partition("?")[0]).rstrip("/")
    root = path if override_path or path.endswith(_API) else f"{path}{_API}"
    is_usual = root == _API or root.startswith(f"{_API}/")
    return f"{url.authority}{root.removeprefix(_API)}" if is_usual else url.full


def _certificates(address: str, table: Mapping[str, Any], file: Path) -> HostCertificates | None:
    if not {"ca", "client"} & table.keys():
        return None
    authorities = table.get("ca", [])
    authorities = [authorities] if isinstance(authorities, str) else authorities
    shown = table.get("client", [])
    pairs = [shown] if isinstance(shown, str) else shown
    # Of several only the first can be shown here.
    pair = next(iter(pairs), None) if isinstance(pairs, list) else pairs
    pair = [pair, ""] if isinstance(pair, str) else pair or ["", ""]
    texts = (authorities, pair) if isinstance(authorities, list) else ()
    fit = all(isinstance(each, list) and all(map(_is_path, each)) for each in texts)
    if not texts or not fit or len(pair) != 2:
        raise _UnusableError(f"ca or client of {address} is not written as paths of files")
    certificate, key = (file.parent / text if text else None for text in pair)
    return HostCertificates(
        authorities=tuple(file.parent / text for text in authorities),
        certificate=certificate,
        key=key,
    )


def _is_path(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value
