from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.engine import endpoint as endpoints
from pyjib.engine.client import EngineClient
from pyjib.errors import CancelledError, EngineError
from pyjib.events import Event, Warned
from pyjib.oci.digest import Digest
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from tests.support.engine_certificates import server_context, write_certificates
from tests.support.fake_engine import PODMAN_PING, Answer, FakeEngine, fake, serving
from tests.support.peers import free_port

APP = Reference.parse("objectworld/app:1")
INSPECT = "/images/docker.io/objectworld/app:1/json"
LOADED = Answer(body=b'{"stream":"Loaded image: objectworld/app:1\\n"}\n')


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(fake(), tmp_path / "engine.sock") as engine:
        yield engine


def host_of(engine: FakeEngine, **variables: str) -> HostEnvironment:
    return HostEnvironment(variables={"DOCKER_HOST": engine.address, **variables})


def connect(engine: FakeEngine, cancellation: Cancellation | None = None) -> EngineClient:
    return EngineClient.connect(host_of(engine), cancellation=cancellation)


@pytest.mark.parametrize(
    ("theirs", "pinned", "spoken"),
    [
        ("1.41", None, "1.41"),
        ("1.99", None, "1.51"),
        ("1.41", "1.30", "1.30"),
        ("1.41", "v1.44", "1.44"),
        (None, None, "1.24"),
        ("experimental", None, "1.24"),
    ],
)
def test_version(engine: FakeEngine, theirs: str | None, pinned: str | None, spoken: str) -> None:
    engine.answers["HEAD /_ping"] = Answer(headers={"Api-Version": theirs} if theirs else {})
    engine.answers[f"GET {INSPECT}"] = Answer.json({})
    host = host_of(engine, **({"DOCKER_API_VERSION": pinned} if pinned else {}))
    with EngineClient.connect(host) as client:
        client.image_inspect(APP)
    assert engine.requests == ["HEAD /_ping", f"GET /v{spoken}{INSPECT}"]


def test_pinned_version_of_no_use(engine: FakeEngine) -> None:
    with pytest.raises(EngineError, match="DOCKER_API_VERSION='new'") as error:
        EngineClient.connect(host_of(engine, DOCKER_API_VERSION="new"))
    assert "1.44" in str(error.value.hint)


def test_pinned_version_that_the_daemon_refuses(engine: FakeEngine) -> None:
    said = "client version 1.60 is too new. Maximum supported API version is 1.43"
    engine.answers["GET /info"] = Answer.json({"message": said}, 400)
    with (
        EngineClient.connect(host_of(engine, DOCKER_API_VERSION="1.60")) as client,
        pytest.raises(EngineError, match="status 400: client version") as error,
    ):
        client.info()
    assert "unset DOCKER_API_VERSION" in str(error.value.hint)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_ping_without_head(engine: FakeEngine, status: int) -> None:
    engine.answers["HEAD /_ping"] = Answer(status=status)
    engine.answers["GET /_ping"] = Answer(body=b"OK", headers=PODMAN_PING)
    with connect(engine) as client:
        assert str(client) == f"Podman at {engine.address}"


def test_something_else_listens(engine: FakeEngine) -> None:
    engine.answers.clear()
    with pytest.raises(EngineError, match="answered status 404 to a ping"):
        connect(engine)


INFOS = [
    ({}, "linux/amd64", False),
    ({"OSType": "linux", "Architecture": "x86_64", "DriverStatus": None}, "linux/amd64", False),
    ({"OSType": "linux", "Architecture": "aarch64"}, "linux/arm64", False),
    ({"OSType": "linux", "Architecture": "armv7l"}, "linux/arm/v7", False),
    ({"OSType": "windows", "Architecture": "x86_64"}, "windows/amd64", False),
    (
        {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]},
        "linux/amd64",
        True,
    ),
    ({"DriverStatus": [["Backing Filesystem", "extfs"]]}, "linux/amd64", False),
]


@pytest.mark.parametrize(("document", "platform", "containerd"), INFOS)
def test_info(
    engine: FakeEngine, document: dict[str, object], platform: str, containerd: bool
) -> None:
    engine.answers["GET /info"] = Answer.json(document)
    with connect(engine) as client:
        info = client.info()
    assert info.platform == Platform.parse(platform)
    assert info.containerd_store is containerd
    assert (info.name, info.api_version) == ("Docker", "1.43")


def test_info_that_is_no_json(engine: FakeEngine) -> None:
    engine.answers["GET /info"] = Answer(body=b"<html>")
    with connect(engine) as client, pytest.raises(EngineError, match="not valid JSON"):
        client.info()


def test_load(engine: FakeEngine) -> None:
    engine.answers["POST /images/load"] = LOADED
    done: list[int] = []
    with connect(engine) as client:
        assert client.load([b"abc", b"de"], progress=done.append) == ("objectworld/app:1",)
    assert engine.bodies == [b"abcde"]
    assert done == [3, 5]
    assert engine.requests[-1] == "POST /v1.43/images/load?quiet=1"


def test_load_that_fails_with_status_200(engine: FakeEngine) -> None:
    said = b'{"errorDetail":{"message":"write /x: no space left on device"}}'
    engine.answers["POST /images/load"] = Answer(body=said)
    with connect(engine) as client, pytest.raises(EngineError) as error:
        client.load([b"abc"])
    assert error.value.message == (
        f"load the image into Docker at {engine.address}: write /x: no space left on device"
    )
    assert "docker system prune" in str(error.value.hint)


def test_load_that_fails_as_podman_s_does(engine: FakeEngine) -> None:
    refusal = {"cause": "c", "message": "failed to load image: payload", "response": 500}
    engine.answers["POST /images/load"] = Answer.json(refusal, 500)
    with connect(engine) as client, pytest.raises(EngineError) as error:
        client.load([b"abc"])
    assert error.value.message.endswith(": status 500: failed to load image: payload")


def test_load_whose_answer_is_cut(engine: FakeEngine) -> None:
    engine.answers["POST /images/load"] = Answer(body=LOADED.body, cut=True)
    with connect(engine) as client, pytest.raises(EngineError, match="the connection broke"):
        client.load([b"abc"])


def test_refusal_without_json(engine: FakeEngine) -> None:
    engine.answers["GET /info"] = Answer(status=502, body=b"bad gateway")
    with connect(engine) as client, pytest.raises(EngineError, match="status 502: bad gateway"):
        client.info()
    engine.answers["GET /info"] = Answer(status=503)
    with connect(engine) as client, pytest.raises(EngineError, match="503: Service Unavailable"):
        client.info()


def test_image_id(engine: FakeEngine) -> None:
    digest = Digest.of(b"config")
    with connect(engine) as client:
        assert client.image_id(APP) is None
        engine.answers[f"GET {INSPECT}"] = Answer.json({"Id": str(digest)})
        assert client.image_id(APP) == digest
        engine.answers[f"GET {INSPECT}"] = Answer.json({"Id": digest.hex})
        assert client.image_id(APP) == digest
        engine.answers[f"GET {INSPECT}"] = Answer.json({"Id": "latest"})
        with pytest.raises(EngineError, match="the ID 'latest'"):
            client.image_id(APP)
        engine.answers[f"GET {INSPECT}"] = Answer.json({"message": "on fire"}, 500)
        with pytest.raises(EngineError, match="status 500: on fire"):
            client.image_id(APP)


def test_tag(engine: FakeEngine) -> None:
    digest = Digest.of(b"config")
    engine.answers[f"POST /images/{digest}/tag"] = Answer(status=201)
    with connect(engine) as client:
        client.image_tag(digest, Reference.parse("localhost:5000/team/app:2"))
        with pytest.raises(EngineError, match=r"tag docker\.io/x/y:1 as .* page not found"):
            client.image_tag("docker.io/x/y:1", APP)
    assert engine.requests[1].endswith("/tag?repo=localhost%3A5000%2Fteam%2Fapp&tag=2")


def test_save(engine: FakeEngine) -> None:
    engine.answers["GET /images/get"] = Answer(body=b"x" * 3_000_000)
    with connect(engine) as client:
        assert b"".join(client.image_save(APP)) == b"x" * 3_000_000
        chunks = client.image_save(APP)
        next(chunks)
        chunks.close()
    assert engine.requests[1] == "GET /v1.43/images/get?names=docker.io%2Fobjectworld%2Fapp%3A1"


def test_save_that_breaks_off(engine: FakeEngine) -> None:
    engine.answers["GET /images/get"] = Answer(body=b"x" * 3000, cut=True)
    with connect(engine) as client, pytest.raises(EngineError, match="the connection broke"):
        b"".join(client.image_save(APP))


@pytest.mark.parametrize("call", ["load", "save"])
def test_cancelling_ends_a_call_on_which_the_daemon_is_silent(
    engine: FakeEngine, call: str
) -> None:
    silence, cancellation = threading.Event(), Cancellation()
    engine.answers["POST /images/load"] = Answer(wait=silence)
    engine.answers["GET /images/get"] = Answer(wait=silence)
    with connect(engine, cancellation) as client:
        engine.arrived.clear()

        def cancel() -> None:
            engine.arrived.wait(60)
            cancellation.cancel()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(CancelledError):
            client.load([b"abc"]) if call == "load" else list(client.image_save(APP))
        canceller.join()
        assert not silence.is_set()
    silence.set()


def test_cancelling_ends_a_load_between_chunks(engine: FakeEngine) -> None:
    cancellation = Cancellation()
    engine.answers["POST /images/load"] = LOADED

    def chunks() -> Iterator[bytes]:
        yield b"a"
        cancellation.cancel()
        yield b"b"
        pytest.fail("asked for more")

    with connect(engine, cancellation) as client, pytest.raises(CancelledError):
        client.load(chunks())


def test_cancelled_before_a_call(engine: FakeEngine) -> None:
    cancellation = Cancellation()
    with connect(engine, cancellation) as client:
        cancellation.cancel()
        for call in (client.info, lambda: client.load([b""]), lambda: list(client.image_save(APP))):
            with pytest.raises(CancelledError):
                call()
    assert engine.requests == ["HEAD /_ping"]


# Finding it


def probing(monkeypatch: pytest.MonkeyPatch, **sockets: Path | str) -> None:
    found = tuple(
        endpoints.Endpoint(url=str(at) if isinstance(at, str) else f"unix://{at}", source=source)
        for source, at in sockets.items()
    )
    monkeypatch.setattr("pyjib.engine.client.probed_endpoints", lambda host: found)


def test_the_first_that_answers_is_taken(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    probing(monkeypatch, default=tmp_path / "no.sock", dead=dead, live=engine.address)
    with EngineClient.connect(HostEnvironment(home=tmp_path), listener=heard.append) as client:
        assert client.endpoint.source == "live"
    (warning,) = heard
    assert isinstance(warning, Warned)
    assert warning.message == (
        f"unix://{dead} (dead): nobody listens there; using Docker at {engine.address}"
    )


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    probing(monkeypatch, default=tmp_path / "no.sock", Podman=dead, pipe=endpoints.DEFAULT_PIPE)
    with pytest.raises(EngineError) as error:
        EngineClient.connect(HostEnvironment(home=tmp_path))
    assert error.value.message.splitlines() == [
        "no Docker or Podman daemon answers:",
        f"  unix://{tmp_path}/no.sock (default): no such socket",
        f"  unix://{dead} (Podman): nobody listens there",
        "  npipe:////./pipe/docker_engine (pipe): named pipes are not supported",
    ]
    assert "DOCKER_HOST=tcp://localhost:2375" in str(error.value.hint)


def test_what_the_user_states_is_final(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    probing(monkeypatch, live=engine.address)
    host = HostEnvironment(variables={"DOCKER_HOST": f"tcp://127.0.0.1:{free_port()}"})
    with pytest.raises(EngineError, match=r"\(DOCKER_HOST\): nobody listens there") as error:
        EngineClient.connect(host)
    assert error.value.hint == "start that daemon, or unset what names it"
    assert engine.requests == []


def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:  # asking for real would leave this machine
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    host = HostEnvironment(variables={"DOCKER_HOST": "tcp://no-such-host.invalid:1"})
    with pytest.raises(EngineError, match="the host is not known"):
        EngineClient.connect(host)


def test_over_tcp() -> None:
    with serving(fake()) as engine, connect(engine) as client:
        assert str(client) == f"Docker at {engine.address}"


@pytest.mark.parametrize("verify", ["1", ""])
def test_over_tls(tmp_path: Path, verify: str) -> None:
    write_certificates(tmp_path / "certs")
    context = server_context(tmp_path / "certs")
    with serving(fake(), tls=context) as engine:
        engine.answers["POST /images/load"] = LOADED
        host = host_of(engine, DOCKER_CERT_PATH=str(tmp_path / "certs"), DOCKER_TLS_VERIFY=verify)
        with EngineClient.connect(host) as client:
            assert client.load([b"abc"]) == ("objectworld/app:1",)


def test_a_daemon_that_nobody_vouches_for(tmp_path: Path) -> None:
    write_certificates(tmp_path / "certs")
    write_certificates(tmp_path / "other")
    with serving(fake(), tls=server_context(tmp_path / "certs")) as engine:
        host = host_of(engine, DOCKER_CERT_PATH=str(tmp_path / "other"), DOCKER_TLS_VERIFY="1")
        with pytest.raises(EngineError, match="its certificate cannot be trusted"):
            EngineClient.connect(host)
        assert engine.requests == []


def test_cancelling_over_tls(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    silence, cancellation = threading.Event(), Cancellation()
    with serving(fake(), tls=server_context(tmp_path)) as engine:
        host = host_of(engine, DOCKER_CERT_PATH=str(tmp_path), DOCKER_TLS_VERIFY="1")
        engine.answers["POST /images/load"] = Answer(wait=silence)
        with EngineClient.connect(host, cancellation=cancellation) as client:
            timer = threading.Timer(0.05, cancellation.cancel)
            timer.start()
            with pytest.raises(CancelledError):
                client.load([b"abc"])
            timer.join()
        silence.set()


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")
    variables = {"DOCKER_CERT_PATH": str(tmp_path), "DOCKER_HOST": "tcp://127.0.0.1:1"}
    with pytest.raises(EngineError, match="cannot use the certificates") as error:
        EngineClient.connect(HostEnvironment(variables=variables))
    assert "ca.pem" in str(error.value.hint)
