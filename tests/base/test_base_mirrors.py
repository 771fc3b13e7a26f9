"""Bases through mirrors: who is asked, with whose login, and what is never believed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseImages, BaseTools
from pyjib.errors import (
    DigestMismatchError,
    NotFoundError,
    OfflineError,
    PyjibError,
    TransportError,
)
from pyjib.events import BaseResolved, Event, Warned
from pyjib.oci.location import RegistryLocation
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, Login, Mirror, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.images import checked, random_image
from tests.support.registry import put_image
from tests.support.scripted import Reply, ScriptedServer, listening_nowhere

IMAGE = random_image(1)


class Puller:
    """Pulls ``base/jre:17`` of an origin, through mirrors."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        self.waits: list[float] = []

    def pull(
        self, origin: str, *mirrors: str, digest: str = "", logins: tuple[Login, ...] = ()
    ) -> BaseImages:
        options = RegistryOptions(
            mirrors=tuple(Mirror(registry=origin, location=mirror) for mirror in mirrors),
            logins=logins,
        )
        return self.pull_by(options, origin, digest)

    def pull_by(self, options: RegistryOptions, origin: str, digest: str = "") -> BaseImages:
        host = HostEnvironment.of({}, self.root / "home")
        location = RegistryLocation(reference=Reference.parse(f"{origin}/base/jre:17{digest}"))
        with RegistryClient(
            options, host, listener=self.events.append, wait=self.waits.append
        ) as client:
            tools = BaseTools(
                store=Store(self.root / "store"),
                registry=client,
                engine=cast(Any, None),
                listener=self.events.append,
            )
            base = pull_base(location, [], tools=tools)
            for image in base.images:
                checked(image)
        return base

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


@pytest.fixture
def puller(tmp_path: Path) -> Puller:
    return Puller(tmp_path)


@pytest.fixture
def mirror() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        yield server


@pytest.fixture
def odd() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def asked(server: RegistryServer) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in server.journal if seen.path != "/v2/"]


def test_a_mirror_serves_it_all(
    puller: Puller, registry: RegistryServer, mirror: RegistryServer
) -> None:
    put_image(mirror, "hub/base/jre", IMAGE, "17")
    base = puller.pull(registry.address, f"{mirror.address}/hub")
    assert base.digest == IMAGE.digest
    assert base.mirror == mirror.address
    assert [event.mirror for event in puller.events if isinstance(event, BaseResolved)] == [
        mirror.address
    ]
    assert registry.journal == ()
    assert len(asked(mirror)) == 5
    assert puller.warnings == []


def test_what_a_mirror_lacks_comes_from_the_registry(
    puller: Puller, registry: RegistryServer, mirror: RegistryServer
) -> None:
    put_image(registry, "base/jre", IMAGE, "17")
    base = puller.pull(registry.address, mirror.address)
    assert base.digest == IMAGE.digest
    assert base.mirror is None
    assert puller.warnings == []
    assert puller.waits == []


@pytest.mark.faults
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_mirror_that_refuses_is_asked_once(
    puller: Puller, registry: RegistryServer, odd: ScriptedServer, status: int
) -> None:
    put_image(registry, "base/jre", IMAGE, "17")
    odd.rule("*", ".*/manifests/.*", Reply(status, {"Retry-After": "60"}))
    assert puller.pull(registry.address, odd.address).mirror is None
    assert len(odd.seen("HEAD")) == 1
    assert len(odd.seen("GET", ".*/blobs/.*")) == 0
    assert puller.waits == []
    assert len(puller.warnings) == 1
    assert puller.warnings[0].startswith(f"the mirror {odd.address} of {registry.address} is pas")


@pytest.mark.faults
def test_a_mirror_that_is_not_there(
    puller: Puller, registry: RegistryServer, mirror: RegistryServer
) -> None:
    put_image(mirror, "base/jre", IMAGE, "17")
    with listening_nowhere() as address:
        base = puller.pull(registry.address, address, mirror.address)
    assert base.mirror == mirror.address
    assert "connection refused" in puller.warnings[0]
    assert len(puller.warnings) == 1


@pytest.mark.advisories
def test_a_mirror_that_sends_other_bytes_is_not_believed(
    puller: Puller, registry: RegistryServer, odd: ScriptedServer
) -> None:
    """The digest decides, whoever serves it, and what its header says."""
    put_image(registry, "base/jre", IMAGE, "17")
    other = random_image(2).manifest
    headers = {
        "Content-Type": other.media_type,
        "Docker-Content-Digest": str(IMAGE.digest),
    }
    odd.rule("*", ".*/manifests/.*", Reply(200, headers, other.data))
    base = puller.pull(registry.address, odd.address, digest=f"@{IMAGE.digest}")
    assert base.images[0].digest == IMAGE.digest
    assert "sent other bytes" in puller.warnings[0]


@pytest.mark.advisories
def test_a_layer_that_a_mirror_damaged(
    puller: Puller, registry: RegistryServer, odd: ScriptedServer
) -> None:
    put_image(registry, "base/jre", IMAGE, "17")
    manifest = Reply(200, {"Content-Type": IMAGE.manifest.media_type}, IMAGE.manifest.data)
    odd.rule("GET", ".*/manifests/.*", manifest)
    config = IMAGE.config_blob
    odd.rule("GET", f".*/{config.descriptor.digest}", Reply(200, {}, config.read(1 << 20)))
    for layer in IMAGE.layers:
        size = layer.descriptor.size
        odd.rule("GET", f".*/{layer.descriptor.digest}", Reply(200, {}, b"x" * size))
    base = puller.pull(registry.address, odd.address)
    assert base.mirror == odd.address
    assert any("is passed over" in text for text in puller.warnings)
    assert any("GET" in line and "blobs" in line for line in asked(registry))


@pytest.mark.advisories
def test_each_gets_its_own_login_and_no_other(
    puller: Puller, registry: RegistryServer, odd: ScriptedServer
) -> None:
    put_image(registry, "base/jre", IMAGE, "17")
    odd.rule("*", ".*", Reply(401, {"WWW-Authenticate": "Basic"}))
    of_registry = Login(registry=registry.address, username="me", password="registry")
    puller.pull(registry.address, odd.address, logins=(of_registry,))
    assert all(seen.authorization is None for seen in odd.journal)
    of_mirror = Login(registry=odd.address, username="me", password="mirror")
    Puller(puller.root / "again").pull(
        registry.address, odd.address, logins=(of_registry, of_mirror)
    )
    shown = {seen.authorization for seen in odd.journal}
    assert shown == {None, "Basic bWU6bWlycm9y"}


def test_the_registry_has_the_last_word(
    puller: Puller, registry: RegistryServer, mirror: RegistryServer
) -> None:
    with pytest.raises(NotFoundError) as caught:
        puller.pull(registry.address, mirror.address)
    assert caught.value.message.startswith(f"cannot get the manifest of {registry.address}/")
    assert caught.value.message.endswith(f"; the mirror {mirror.address} does not have it")


@pytest.mark.faults
def test_a_layer_that_neither_has(
    puller: Puller, registry: RegistryServer, odd: ScriptedServer
) -> None:
    """The mirror knew the image; the registry is asked for what it failed with, and fails too."""
    manifest = Reply(200, {"Content-Type": IMAGE.manifest.media_type}, IMAGE.manifest.data)
    odd.rule("GET", ".*/manifests/.*", manifest)
    odd.rule("GET", ".*/blobs/.*", Reply(500))
    with pytest.raises(NotFoundError) as caught:
        puller.pull(registry.address, odd.address)
    said = caught.value.message
    assert said.startswith(f"cannot get blob {IMAGE.config.digest} from {registry.address}/base")
    assert f"{registry.address} answered 404 Not Found" in said
    assert said.endswith(
        f"; the mirror {odd.address} failed: {odd.address} answered 500 Internal Server Error"
    )


@pytest.mark.faults
@pytest.mark.parametrize(
    ("reply", "asked_for"),
    [
        (Reply(503), 3),
        (Reply(drop=True), 3),
        (Reply(429, {"Retry-After": "2"}), 3),
        (Reply(429, {"Retry-After": "60"}), 1),
    ],
)
def test_a_mirror_in_trouble_over_a_layer_is_not_waited_for(
    puller: Puller, registry: RegistryServer, odd: ScriptedServer, reply: Reply, asked_for: int
) -> None:
    """The registry is there in its place: no more is waited than a cut connection takes."""
    put_image(registry, "base/jre", IMAGE, "17")
    manifest = Reply(200, {"Content-Type": IMAGE.manifest.media_type}, IMAGE.manifest.data)
    odd.rule("GET", ".*/manifests/.*", manifest)
    config = IMAGE.config_blob
    odd.rule("GET", f".*/{config.descriptor.digest}", Reply(200, {}, config.read(1 << 20)))
    odd.rule("GET", ".*/blobs/.*", reply)
    puller.pull(registry.address, odd.address)
    layers = [
        one for one in odd.seen("GET", ".*/blobs/.*") if str(IMAGE.config.digest) not in one.target
    ]
    assert len(layers) == asked_for
    assert sum(puller.waits) < 5


def test_what_is_not_to_be_asked_is_not_passed_over(puller: Puller) -> None:
    """Who wants no network need not be told that a mirror was not asked."""
    options = RegistryOptions(
        mirrors=(Mirror(registry="r.example", location="mirror.example"),), offline=True
    )
    with pytest.raises(OfflineError):
        puller.pull_by(options, "r.example")
    assert puller.warnings == []


@pytest.mark.faults
def test_what_stands_in_the_registry_s_place(
    puller: Puller, registry: RegistryServer, tmp_path: Path
) -> None:
    """Who never heard of the host that failed is told why it was asked."""
    path = tmp_path / "home" / ".config" / "containers" / "registries.conf"
    path.parent.mkdir(parents=True)
    path.write_text(f'[[registry]]\nprefix = "r.example"\nlocation = "{registry.address}"\n')
    with pytest.raises(NotFoundError) as caught:
        puller.pull("r.example")
    assert caught.value.message.endswith(f"; {registry.address} was asked in place of r.example")


def test_no_registry_and_no_mirror(puller: Puller) -> None:
    with listening_nowhere() as one, listening_nowhere() as other:
        with pytest.raises(TransportError) as caught:
            puller.pull(one, other)
        assert one in caught.value.message
        assert len(puller.warnings) == 1


def test_a_push_never_goes_to_a_mirror(
    registry: RegistryServer, mirror: RegistryServer, tmp_path: Path
) -> None:
    options = RegistryOptions(mirrors=(Mirror(registry=registry.address, location=mirror.address),))
    name = Reference.parse(f"{registry.address}/app:1")
    with RegistryClient(options, HostEnvironment.of({}, tmp_path)) as client:
        for blob in (IMAGE.config_blob, *IMAGE.layers):
            client.blob_push(name, blob)
        client.manifest_put(name, IMAGE.manifest.data, IMAGE.manifest.media_type)
    assert mirror.journal == ()


def test_an_error_of_our_own_ends_it(
    puller: Puller, registry: RegistryServer, mirror: RegistryServer
) -> None:
    put_image(mirror, "base/jre", IMAGE, "17")
    store = puller.root / "store"
    store.write_text("no directory")
    with pytest.raises(PyjibError) as caught:
        puller.pull(registry.address, mirror.address)
    assert not isinstance(caught.value, DigestMismatchError)
    assert registry.journal == ()
    assert threading.active_count() < 50
