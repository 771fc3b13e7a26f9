"""Where the daemon is: what Docker's own client would do, then the sockets of other engines.

What the user states is final: ``DOCKER_HOST``, else ``DOCKER_CONTEXT``, else ``currentContext``
in Docker's ``config.json``. Nothing stated, the default socket is tried, then those of rootless
Docker, Docker Desktop, Colima, OrbStack, Rancher Desktop and Podman, of which the first that
answers is taken.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from pyjib.errors import EngineError, MalformedDocumentError
from pyjib.frozen import frozen
from pyjib.oci.json import Json, load
from pyjib.options import HostEnvironment

DEFAULT_SOCKET = Path("/var/run/docker.sock")
DEFAULT_PIPE = "npipe:////./pipe/docker_engine"
_PLAIN_PORT, _TLS_PORT = 2375, 2376


@frozen
class EngineTls:
    """Certificates for a daemon on TCP: files in PEM that may be absent.

    ``verify`` false takes any certificate of the daemon's, as Docker's client does if there are
    client certificates but no ``DOCKER_TLS_VERIFY``.
    """

    ca: Path
    cert: Path
    key: Path
    verify: bool

    @classmethod
    def below(cls, directory: Path, *, verify: bool) -> EngineTls:
        """Return the files by Docker's names for them."""
        return cls(
            ca=directory / "ca.pem",
            cert=directory / "cert.pem",
            key=directory / "key.pem",
            verify=verify,
        )


@frozen
class UnixAddress:
    """A Unix domain socket."""

    path: Path

    def __str__(self) -> str:
        return f"unix://{self.path}"


@frozen
class TcpAddress:
    """A host and port, plain if there is no ``tls``. IPv6 addresses have no brackets."""

    host: str
    port: int
    tls: EngineTls | None = None

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"tcp://{self.authority}"


Address: TypeAlias = UnixAddress | TcpAddress


@frozen
class Endpoint:
    """An address, as text, and what made it one to try, for example ``DOCKER_HOST``.

    The text is parsed by ``address`` only, so that one of no use can still be listed.
    """

    url: str
    source: str
    tls: EngineTls | None = None

    def address(self) -> Address:
        """Return the parsed address; raises ``EngineError`` for a kind that is not supported."""
        scheme, separator, rest = self.url.partition("://")
        if not separator:
            scheme, rest = "tcp", self.url
        match scheme:
            case "unix":
                return UnixAddress(path=Path(rest))
            case "tcp" | "http" | "https":
                return self._tcp(scheme, rest)
            case "npipe":
                raise EngineError("named pipes are not supported", hint=_TCP_HINT)
            case "ssh":
                raise EngineError(
                    "ssh is not supported",
                    hint="forward the daemon's socket yourself (ssh -L /tmp/docker.sock:"
                    "/var/run/docker.sock HOST) and set DOCKER_HOST=unix:///tmp/docker.sock",
                )
        raise EngineError(f"{scheme}:// is no kind of daemon address", hint=_HOST_HINT)

    def _tcp(self, scheme: str, rest: str) -> TcpAddress:
        try:
            parts = urlsplit(f"//{rest}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise EngineError(f"not an address: {error}", hint=_HOST_HINT) from None
        if not host or parts.path.strip("/") or parts.query or parts.username:
            raise EngineError("not a host and port", hint=_HOST_HINT)
        tls = self.tls
        if tls is None and scheme == "https":
            tls = EngineTls.below(Path(os.devnull), verify=True)
        return TcpAddress(host=host, port=port or (_TLS_PORT if tls else _PLAIN_PORT), tls=tls)


_HOST_HINT = "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT"
_TCP_HINT = (
    "let the daemon listen on TCP as well (Docker Desktop has a setting for it) and set "
    "DOCKER_HOST=tcp://localhost:2375, or write an archive with --to tar://FILE"
)


def stated_endpoint(host: HostEnvironment) -> Endpoint | None:
    """Return the endpoint that the user states, ``None`` if it is left to us.

    Raises ``EngineError`` for a context that does not exist or cannot be read.
    """
    if url := host.get("DOCKER_HOST"):
        return Endpoint(url=url, source="DOCKER_HOST", tls=_tls_of_environment(host))
    if name := host.get("DOCKER_CONTEXT"):
        return _context(name, "DOCKER_CONTEXT", host)
    config = _configuration(host) / "config.json"
    if name := _read(config).get("currentContext"):
        return _context(str(name), f"currentContext in {config}", host)
    return None


def probed_endpoints(
    host: HostEnvironment, *, windows: bool = os.name == "nt"
) -> tuple[Endpoint, ...]:
    """Return the endpoints to try, in this order, where the user states none."""
    if windows:
        return (Endpoint(url=DEFAULT_PIPE, source="default"),)
    runtime = host.get("XDG_RUNTIME_DIR")
    sockets = [
        ("default", DEFAULT_SOCKET),
        ("rootless Docker", Path(runtime, "docker.sock") if runtime else None),
        ("Docker Desktop", host.home / ".docker" / "run" / "docker.sock"),
        ("Docker Desktop", host.home / ".docker" / "desktop" / "docker.sock"),
        ("Colima", host.home / ".colima" / "default" / "docker.sock"),
        ("OrbStack", host.home / ".orbstack" / "run" / "docker.sock"),
        ("Rancher Desktop", host.home / ".rd" / "docker.sock"),
        ("rootless Podman", Path(runtime, "podman", "podman.sock") if runtime else None),
        ("Podman", Path("/run/podman/podman.sock")),
    ]
    return tuple(Endpoint(url=f"unix://{path}", source=source) for source, path in sockets if path)


def _tls_of_environment(host: HostEnvironment) -> EngineTls | None:
    directory, verify = host.get("DOCKER_CERT_PATH"), host.get("DOCKER_TLS_VERIFY")
    if directory is None and verify is None:
        return None
    return EngineTls.below(
        _configuration(host) if directory is None else Path(directory),
        verify=verify is not None,
    )


def _context(name: str, source: str, host: HostEnvironment) -> Endpoint | None:
    """Read a context of Docker's; the one called default is no file but the default rules."""
    if name == "default":
        return None
    contexts = _configuration(host) / "contexts"
    identifier = hashlib.sha256(name.encode()).hexdigest()
    meta = contexts / "meta" / identifier / "meta.json"
    if not meta.is_file():
        raise EngineError(
            f"there is no Docker context {name!r} ({source}): {meta} does not exist",
            hint="see docker context ls, or set DOCKER_HOST",
        )
    endpoints = _read(meta).get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    url = endpoint.get("Host") if isinstance(endpoint, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(url, str) or not url:
        raise EngineError(f"Docker context {name!r} names no host: {meta}")
    certificates = contexts / "tls" / identifier / "docker"
    tls = None
    if certificates.is_dir():
        tls = EngineTls.below(certificates, verify=not endpoint.get("SkipTLSVerify"))
    return Endpoint(url=url, source=f"context {name!r} of {source}", tls=tls)


def _configuration(host: HostEnvironment) -> Path:
    stated = host.get("DOCKER_CONFIG")
    return Path(stated) if stated else host.home / ".docker"


def _read(path: Path) -> Json:
    """Return a JSON file's object, an empty one if there is no such file."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return load(data, str(path)) if data.strip() else {}
    except MalformedDocumentError as error:
        raise EngineError(error.message, hint=f"repair {path}, or set DOCKER_HOST") from None
