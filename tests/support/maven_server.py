"""A Maven repository over HTTP, made of bytes in memory.

::

    with MavenServer() as server:
        server.publish("t:x:1", jar=b"…")
        server.url      # http://127.0.0.1:PORT/maven

``journal`` has the paths that were asked for. ``files`` may be changed at will; ``replies`` has
what is answered instead, by path: a status, or a function of the handler. With ``login`` whoever
does not send it gets 401.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias

from tests.support.maven import pom

Answer: TypeAlias = int | Callable[[BaseHTTPRequestHandler], None]
_ROOT = "/maven/"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: a path below the repository, and its headers in lower case."""

    path: str
    headers: Mapping[str, str]


@dataclass
class MavenServer:
    """The repository; a context in which it listens on loopback."""

    checksums: tuple[str, ...] = ("sha1", "md5")
    login: tuple[str, str] | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    replies: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}{_ROOT.rstrip('/')}"

    @property
    def journal(self) -> list[str]:
        """The paths asked for, checksums left out."""
        return [asked.path for asked in self.asked if not asked.path.endswith(_SUFFIXES)]

    def put(self, path: str, data: bytes) -> None:
        """Store a file with its checksums."""
        self.files[path] = data
        for name in self.checksums:
            self.files[f"{path}.{name}"] = hashlib.new(name, data).hexdigest().encode()

    def publish(
        self,
        coordinates: str,
        *sections: str,
        jar: bytes | None = b"jar",
        packaging: str | None = None,
    ) -> None:
        """Store a POM and, unless ``None``, a jar."""
        self.put(
            path_of(coordinates, "pom"), pom(coordinates, *sections, packaging=packaging).encode()
        )
        if jar is not None:
            self.put(path_of(coordinates, "jar"), jar)

    def publish_versions(self, name: str, *versions: str) -> None:
        """Store the metadata that list versions."""
        listed = "".join(f"<version>{version}</version>" for version in versions)
        group, artifact = name.split(":")
        text = (
            f"<metadata><groupId>{group}</groupId><artifactId>{artifact}</artifactId><versioning>"
            f"<latest>{versions[-1]}</latest><release>{versions[-1]}</release>"
            f"<versions>{listed}</versions><lastUpdated>20240101000000</lastUpdated>"
            "</versioning></metadata>"
        )
        self.put(f"{group.replace('.', '/')}/{artifact}/maven-metadata.xml", text.encode())

    def publish_snapshot(self, coordinates: str, stamp: str, *sections: str, jar: bytes) -> None:
        """Store a snapshot under its time stamp, ``20240102.030405-7``, and its metadata."""
        group, artifact, version = coordinates.split(":")
        actual = version.replace("SNAPSHOT", stamp)
        folder = f"{group.replace('.', '/')}/{artifact}/{version}"
        self.put(f"{folder}/{artifact}-{actual}.pom", pom(coordinates, *sections).encode())
        self.put(f"{folder}/{artifact}-{actual}.jar", jar)
        updated = stamp.partition("-")[0].replace(".", "")
        entries = "".join(
            f"<snapshotVersion><extension>{extension}</extension><value>{actual}</value>"
            f"<updated>{updated}</updated></snapshotVersion>"
            for extension in ("pom", "jar")
        )
        text = (
            f"<metadata modelVersion='1.1.0'><groupId>{group}</groupId>"
            f"<artifactId>{artifact}</artifactId><version>{version}</version><versioning><snapshot>"
            f"<timestamp>{stamp.partition('-')[0]}</timestamp>"
            f"<buildNumber>{stamp.partition('-')[2]}</buildNumber></snapshot>"
            f"<lastUpdated>{updated}</lastUpdated><snapshotVersions>{entries}</snapshotVersions>"
            "</versioning></metadata>"
        )
        self.put(f"{folder}/maven-metadata.xml", text.encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path
                if path.startswith("http://"):  # asked as a proxy
                    path = "/" + path.split("/", 3)[3]
                path = path.removeprefix(_ROOT)
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append(Asked(path, headers))
                answer = server.replies.get(path)
                if callable(answer):
                    answer(self)
                elif answer is not None:
                    self.reply(answer, b"")
                elif server.login and headers.get("authorization") != _basic(*server.login):
                    self.reply(401, b"")
                elif path in server.files:
                    self.reply(200, server.files[path])
                else:
                    self.reply(404, b"no such file")

            def reply(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {**server.headers, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        return Handler


_SUFFIXES = (".sha1", ".md5", ".sha256", ".sha512")


def path_of(coordinates: str, extension: str = "jar") -> str:
    """Return where a repository has a file of ``g:a:v``."""
    group, artifact, version = coordinates.split(":")
    return f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.{extension}"


def redirect(location: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return an answer that leads elsewhere."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def cut(body: bytes, after: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Return an answer that breaks off."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:after])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
