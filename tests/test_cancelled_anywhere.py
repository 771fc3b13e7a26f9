"""Whatever a caller's thread waits for, a cancellation ends it within two seconds.

A table of all places where pyjib waits for somebody else: each is blocked there, then cancelled.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pyjib.cancellation import Cancellation
from pyjib.configure import MavenChoice, configure
from pyjib.destination.lock import locked
from pyjib.engine.client import EngineClient
from pyjib.engine.program import ProgramEngine
from pyjib.errors import CancelledError
from pyjib.events import Event, RetryScheduled
from pyjib.jib.to_options import Given
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions, EngineProgram, HostEnvironment, RegistryOptions
from pyjib.project.maven.model import Repository
from pyjib.project.maven.remote import parse_repository
from pyjib.registry.client import RegistryClient
from pyjib.registry.login.keeping import logout
from pyjib.registry.net.message import Body, Request
from pyjib.registry.net.urls import Url
from pyjib.registry.net.wire import Wire
from tests.support.fake_engine import Answer, fake, serving
from tests.support.maven import dependencies, pom, write
from tests.support.projects import main_class
from tests.support.scripted import Reply, ScriptedServer, Seen
from tests.support.silence import Silent, silent_server

LIMIT = 30.0
POSIX = os.name == "posix"
BLOB = Descriptor(media_type="x/y", digest=Digest.of(b"x" * 9999), size=9999)


@dataclass
class Scene:
    """What a place is made of; ``begun`` is set when the work is about to block."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    stack: ExitStack
    cancellation: Cancellation = field(default_factory=Cancellation)
    begun: threading.Event = field(default_factory=threading.Event)

    def silent(self) -> Silent:
        server = self.stack.enter_context(silent_server())
        self.begun = server.heard
        return server

    def scripted(self) -> ScriptedServer:
        return self.stack.enter_context(ScriptedServer())

    def deaf(self) -> str:
        """Return an address that swallows connections: its backlog is full."""
        listening = self.stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(4):
            held = self.stack.enter_context(socket.socket())
            held.setblocking(False)
            held.connect_ex(address)
        self.soon()
        return f"127.0.0.1:{address[1]}"

    def soon(self) -> None:
        """Where nothing tells that it has begun."""
        timer = threading.Timer(0.05, self.begun.set)
        timer.start()
        self.stack.callback(timer.join)

    def slow_names(self, is_slow: Callable[[Any], bool] = lambda _: True) -> None:
        """Let looking names up take for ever; what is asked for by port leads to loopback."""
        go, real = threading.Event(), socket.getaddrinfo

        def look_up(host: str | bytes, port: Any, *rest: Any, **more: Any) -> Any:
            if b".example" not in (host if isinstance(host, bytes) else host.encode()):
                return real(host, port, *rest, **more)
            if is_slow(port):
                self.begun.set()
                go.wait(600)
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return real("127.0.0.1", port, *rest, **more)

        self.monkeypatch.setattr(socket, "getaddrinfo", look_up)
        self.stack.callback(go.set)

    def client(self, insecure: str = "", **variables: str) -> RegistryClient:
        def listen(event: Event) -> None:
            if isinstance(event, RetryScheduled):
                self.begun.set()

        host = HostEnvironment(variables={"PATH": str(self.root), **variables}, home=self.root)
        options = RegistryOptions(insecure=frozenset({insecure} if insecure else ()))
        client = RegistryClient(options, host, listener=listen, cancellation=self.cancellation)
        self.stack.callback(client.close)
        return client

    def program(self, name: str) -> Path:
        """Write a program that tells somebody that it runs, and hangs."""
        host, _, port = self.silent().address.partition(":")
        path = self.root / name
        path.write_text(
            f"#!{sys.executable}\nimport socket, time\n"
            f"told = socket.create_connection(({host!r}, {port}))\ntold.sendall(b'x')\n"
            "time.sleep(600)\n"
        )
        path.chmod(0o755)
        return path


Work: TypeAlias = Callable[[], object]
PLACES: dict[str, Callable[[Scene], Work]] = {}


def place(function: Callable[[Scene], Work]) -> Callable[[Scene], Work]:
    PLACES[function.__name__.replace("_", " ").strip()] = function
    return function


def reference(address: str) -> Reference:
    return Reference.parse(f"{address}/app:1")


# The registry


@place
def registry_connecting(scene: Scene) -> Work:
    address = scene.deaf()
    return lambda: scene.client().ping(address)


@place
def registry_looking_its_name_up(scene: Scene) -> Work:
    scene.slow_names()
    return lambda: scene.client().ping("r.example")


@place
def registry_looking_up_where_it_may_lead(scene: Scene) -> Work:
    server = scene.scripted()
    name = f"r.example:{server.address.rpartition(':')[2]}"
    challenge = {"WWW-Authenticate": 'Bearer realm="http://10.1.2.3/token"'}
    server.rule("GET", "/v2/", Reply(401, challenge))
    scene.slow_names(lambda port: port is None)
    return lambda: scene.client(insecure=name).ping(name)


@place
def registry_shaking_hands(scene: Scene) -> Work:
    url = Url.parse(f"https://{scene.silent().address}/v2/")
    wire = Wire(RegistryOptions(), HostEnvironment(), scene.cancellation.check)
    return lambda: wire.send(Request(method="GET", url=url, headers={}))


@place
def registry_sending(scene: Scene) -> Work:
    url = Url.parse(f"http://{scene.silent().address}/v2/")
    wire = Wire(RegistryOptions(), HostEnvironment(), scene.cancellation.check)
    body = Body.of(b"x" * (64 << 20))
    return lambda: wire.send(Request(method="PUT", url=url, headers={}, body=body))


@place
def registry_waiting_for_headers(scene: Scene) -> Work:
    address = scene.silent().address
    return lambda: scene.client().manifest_head(reference(address))


@place
def registry_reading_a_body(scene: Scene) -> Work:
    server = scene.scripted()

    def half(_: Seen) -> Reply:
        scene.begun.set()
        return Reply(200, {"Content-Length": str(BLOB.size)}, b"half")

    server.rule("GET", ".*/blobs/.*", half)
    return lambda: list(scene.client().blob_chunks(reference(server.address), BLOB))


@place
def registry_waiting_for_a_token_of_another_thread(scene: Scene) -> Work:
    server, realm = scene.scripted(), f"http://{scene.silent().address}/token"
    server.rule("*", "/v2/.*", Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}))
    client = scene.client()

    def work() -> None:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(client.manifest_head, reference(server.address)) for _ in "1234"]
            failures = [future.exception() for future in asked]
        assert {type(failure) for failure in failures} == {CancelledError}
        raise failures[0] or AssertionError

    return work


@place
def registry_waiting_before_a_retry(scene: Scene) -> Work:
    server = scene.scripted()
    server.rule("*", ".*/manifests/.*", Reply(429, {"Retry-After": "100"}))
    return lambda: scene.client().manifest_head(reference(server.address))


def _wants_login(scene: Scene) -> str:
    server = scene.scripted()
    server.rule("*", "/v2/.*", Reply(401, {"WWW-Authenticate": "Basic"}))
    (scene.root / ".docker").mkdir()
    (scene.root / ".docker" / "config.json").write_text('{"credsStore": "hangs"}')
    scene.program("docker-credential-hangs")
    return server.address


@place
def registry_asking_a_credential_helper(scene: Scene) -> Work:
    address = _wants_login(scene)
    return lambda: scene.client().ping(address)


@place
def registry_waiting_for_a_helper_of_another_thread(scene: Scene) -> Work:
    address, client = _wants_login(scene), scene.client()

    def work() -> None:
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(client.manifest_head, reference(address)) for _ in "12"]
            failures = [future.exception() for future in asked]
        assert {type(failure) for failure in failures} == {CancelledError}
        raise failures[0] or AssertionError

    return work


@place
def registry_asking_a_clouds_own_helper(scene: Scene) -> Work:
    """What nobody set up may fail, and other places are looked in; but not once cancelled."""
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    scene.program("docker-credential-ecr-login")
    finder = scene.client()._session.finder
    return lambda: finder.find(name)


@place
def registry_erasing_a_login(scene: Scene) -> Work:
    address = _wants_login(scene)
    host = HostEnvironment(variables={"PATH": str(scene.root)}, home=scene.root)
    return lambda: logout(address, host=host, cancellation=scene.cancellation)


# Daemons


def _connected(scene: Scene, answers: dict[str, Answer]) -> EngineClient:
    silence = threading.Event()
    engine = scene.stack.enter_context(serving(fake(), scene.root / "d.sock" if POSIX else None))
    scene.stack.callback(silence.set)
    for answer in answers.values():
        answer.wait = silence
    engine.answers.update(answers)
    client = EngineClient.connect(
        HostEnvironment(variables={"DOCKER_HOST": engine.address}),
        cancellation=scene.cancellation,
    )
    scene.stack.callback(client.close)
    engine.arrived.clear()
    scene.begun = engine.arrived
    return client


@place
def engine_asking(scene: Scene) -> Work:
    return _connected(scene, {"GET /info": Answer.json({})}).info


@place
def engine_loading(scene: Scene) -> Work:
    client = _connected(scene, {"POST /images/load": Answer()})
    return lambda: client.load([b"x"] * 3)


@place
def engine_saving(scene: Scene) -> Work:
    client = _connected(scene, {"GET /images/get": Answer()})
    return lambda: list(client.image_save("x"))


def _connecting(scene: Scene, url: str, **variables: str) -> Work:
    host = HostEnvironment(variables={"DOCKER_HOST": url, **variables}, home=scene.root)
    return lambda: EngineClient.connect(host, cancellation=scene.cancellation)


@place
def engine_connecting(scene: Scene) -> Work:
    return _connecting(scene, f"tcp://{scene.deaf()}")


@place
def engine_looking_its_name_up(scene: Scene) -> Work:
    scene.slow_names()
    return _connecting(scene, "tcp://daemon.example:2375")


@place
def engine_shaking_hands(scene: Scene) -> Work:
    return _connecting(scene, f"tcp://{scene.silent().address}", DOCKER_TLS_VERIFY="1")


@place
def engine_waiting_for_its_first_answer(scene: Scene) -> Work:
    return _connecting(scene, f"tcp://{scene.silent().address}")


@place
def engine_knocking_at_a_socket(scene: Scene) -> Work:
    path = scene.root / "s"
    listening = scene.stack.enter_context(socket.socket(socket.AF_UNIX))
    listening.bind(str(path))
    listening.listen(0)
    for _ in range(4):
        held = scene.stack.enter_context(socket.socket(socket.AF_UNIX))
        held.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            held.connect(str(path))
    scene.soon()
    return _connecting(scene, f"unix://{path}")


def _program(scene: Scene) -> ProgramEngine:
    return ProgramEngine(
        EngineProgram(executable=scene.program("my-docker")),
        HostEnvironment(),
        cancellation=scene.cancellation,
    )


@place
def program_asking(scene: Scene) -> Work:
    return _program(scene).info


@place
def program_loading(scene: Scene) -> Work:
    engine = _program(scene)
    return lambda: engine.load([b"x" * (8 << 20)])


@place
def program_saving(scene: Scene) -> Work:
    engine = _program(scene)
    return lambda: list(engine.image_save("x"))


# Maven's repositories


def _project(scene: Scene, url: str) -> Work:
    classes = scene.root / "target" / "classes"
    classes.mkdir(parents=True)
    (classes / "Main.class").write_bytes(main_class())
    write(scene.root / "pom.xml", pom("t:app:1", dependencies("t:x:1")))
    host = HostEnvironment.of({}, scene.root / "home")
    given = Given(options=BuildOptions(host=host), now=None)
    repositories: tuple[Repository, ...] = (parse_repository(url),)

    def listen(event: Event) -> None:
        if isinstance(event, RetryScheduled):
            scene.begun.set()

    def work() -> None:
        configured = configure(
            scene.root,
            given,
            MavenChoice(repositories=repositories),
            listener=listen,
            cancellation=scene.cancellation,
        )
        assert configured.read is not None
        configured.read()

    return work


@place
def maven_downloading(scene: Scene) -> Work:
    return _project(scene, f"http://{scene.silent().address}/maven")


@place
def maven_connecting(scene: Scene) -> Work:
    return _project(scene, f"http://{scene.deaf()}/maven")


@place
def maven_looking_a_name_up(scene: Scene) -> Work:
    scene.slow_names()
    return _project(scene, "https://m.example/maven")


@place
def maven_waiting_before_a_retry(scene: Scene) -> Work:
    server = scene.scripted()
    server.rule("*", ".*", Reply(503, {"Retry-After": "100"}))
    return _project(scene, f"{server.url}/maven")


# Locks


@place
def lock_of_a_layout(scene: Scene) -> Work:
    scene.stack.enter_context(locked(scene.root / "layout", Cancellation()))
    scene.soon()

    def work() -> None:
        with locked(scene.root / "layout", scene.cancellation):
            pytest.fail("two have it")

    return work


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with _quiet_threads(), ExitStack() as stack:
        yield Scene(root=tmp_path, monkeypatch=monkeypatch, stack=stack)


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """Wait for threads that were left to themselves: what held them is gone by now."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(120)
        assert not thread.is_alive(), thread


@pytest.mark.faults
@pytest.mark.skipif(not POSIX, reason="full backlogs, programs and locks are those of POSIX")
@pytest.mark.parametrize("name", PLACES)
def test_a_cancellation_ends_it(scene: Scene, name: str) -> None:
    work = PLACES[name](scene)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  what it is, is the question
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert scene.begun.wait(120), "it never came there"
    time.sleep(0.05)
    assert thread.is_alive(), f"it is not blocked: {raised}"
    scene.cancellation.cancel()
    thread.join(LIMIT)
    assert not thread.is_alive()
    assert [type(error) for error in raised] == [CancelledError]
