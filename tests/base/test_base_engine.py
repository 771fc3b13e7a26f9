"""Bases that a daemon exports, with other builds about that want the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyjib.base import engine as base_engine
from pyjib.base.model import BaseImages, BaseTools
from pyjib.engine.client import EngineClient
from pyjib.errors import ContentError
from pyjib.events import Event, TransferFinished
from pyjib.oci.location import EngineLocation
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from tests.support.bases import base_tools, docker_save, tar_file
from tests.support.fake_engine import Answer, FakeEngine, fake, serving
from tests.support.images import random_image

IMAGE = random_image(5, size=3000)
ID = str(IMAGE.image_id)
BASE = EngineLocation(reference=Reference.parse("objectworld/base:1"))


@pytest.fixture
def daemon() -> Iterator[FakeEngine]:
    """A daemon that has one image."""
    engine = fake()
    engine.answers |= {
        "GET /info": Answer.json({"OSType": "linux", "Architecture": "x86_64"}),
        f"GET /images/{BASE.reference}/json": Answer.json({"Id": ID}),
        "GET /images/get": Answer(body=tar_file(docker_save(IMAGE))),
    }
    with serving(engine):
        yield engine


@pytest.fixture
def tools(daemon: FakeEngine, tmp_path: Path) -> Iterator[BaseTools]:
    host = HostEnvironment(variables={"DOCKER_HOST": daemon.address}, home=tmp_path)
    with EngineClient.connect(host) as client:
        yield replace(base_tools(tmp_path / "store"), engine=lambda: client)


def test_two_builds_that_export_one_image(tools: BaseTools) -> None:
    """The archive of the one is not what the other throws away."""
    others: list[BaseImages] = []

    def meanwhile(event: Event) -> None:
        if isinstance(event, TransferFinished) and event.key == ID and not others:
            others.append(base_engine.pull(BASE, (), tools))

    (read,) = base_engine.pull(BASE, (), replace(tools, listener=meanwhile)).images
    (other,) = others[0].images
    assert read.image_id == other.image_id == IMAGE.image_id
    assert [layer.descriptor for layer in read.layers] == [
        layer.descriptor for layer in other.layers
    ]


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_nothing_is_left_of_an_archive(daemon: FakeEngine, tools: BaseTools, kept: int) -> None:
    """Neither while it is read, when a kill would leave it for good, nor afterwards."""
    archive = daemon.answers["GET /images/get"]
    assert isinstance(archive, Answer)
    found: list[int] = []

    def look(event: Event) -> None:
        if isinstance(event, TransferFinished) and event.key == ID:
            found.append(tools.store.usage().blobs)

    watching = replace(tools, listener=look)
    if kept < 3:
        archive.body = archive.body[: len(archive.body) * kept // 3]
        with pytest.raises(ContentError):
            base_engine.pull(BASE, (), watching)
    else:
        base_engine.pull(BASE, (), watching)
    assert found == [0]
    assert tools.store.usage().temporary_files == 0
