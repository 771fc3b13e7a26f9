"""Daemons by a program: what is run and when, and what is made of its answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.destination.archive import archive_chunks
from pyjib.destination.engine import EngineDestination
from pyjib.engine.program import ProgramEngine
from pyjib.errors import CancelledError, ConfigurationError, EngineError
from pyjib.events import BlobPresent, Event
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference
from pyjib.options import EngineProgram, HostEnvironment
from tests.support.fake_docker import DOCKER_INFO, PODMAN_INFO, journal, write_program
from tests.support.images import random_image
from tests.support.peers import Engine
from tests.support.programs import require

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts are no programs there")

NAME = Reference.parse("objectworld/app:1")


def opened(program: Path, *environment: tuple[str, str], **host: str) -> ProgramEngine:
    return ProgramEngine(
        EngineProgram(executable=program, environment=environment),
        HostEnvironment(variables={"PATH": os.environ["PATH"], **host}),
    )


def test_an_image_is_loaded_and_named(tmp_path: Path) -> None:
    engine = opened(write_program(tmp_path))
    heard: list[Event] = []
    image = random_image(1)
    destination = EngineDestination(
        reference=NAME, tags=("2",), engine=lambda: engine, listener=heard.append
    )
    destination.check()
    assert journal(tmp_path / "my-docker") == [], "nothing is run to see whether it is there"
    published = destination.write(image)
    assert published.image_id == image.image_id
    assert engine.image_id(NAME) == image.image_id
    assert engine.image_id(NAME.with_tag("2")) == image.image_id
    destination.write(image)
    assert [line for line in journal(tmp_path / "my-docker") if line == "load"] == ["load"]
    assert any(isinstance(event, BlobPresent) for event in heard)


def test_its_environment_goes_over_the_hosts(tmp_path: Path) -> None:
    engine = opened(write_program(tmp_path), ("SEEN", "here"), SEEN="there")
    assert engine.image_id("nothing") is None
    assert (tmp_path / "seen").read_text() == "here"


@pytest.mark.parametrize("info", [DOCKER_INFO, PODMAN_INFO])
def test_what_it_is(tmp_path: Path, info: object) -> None:
    engine = opened(write_program(tmp_path, info))
    assert engine.info().platform == LINUX_AMD64
    assert not engine.info().containerd_store
    assert len(journal(tmp_path / "my-docker")) == 1


def test_an_image_is_saved(tmp_path: Path) -> None:
    engine = opened(write_program(tmp_path))
    image = random_image(1)
    sent = b"".join(archive_chunks(image, (NAME,)))
    assert engine.load([sent]) == (str(NAME),)
    assert b"".join(engine.image_save(NAME)) == sent


@pytest.mark.parametrize("verb", ["load", "save", "tag", "inspect", "info"])
def test_what_it_complains_of(tmp_path: Path, verb: str) -> None:
    engine = opened(write_program(tmp_path), ("FAIL", verb))
    calls = {
        "load": lambda: engine.load([b"x" * (1 << 20)] * 4),
        "save": lambda: b"".join(engine.image_save("x")),
        "tag": lambda: engine.image_tag("x", NAME),
        "inspect": lambda: engine.image_id("x"),
        "info": engine.info,
    }
    with pytest.raises(EngineError, match=f"{verb} ended with exit code 1: out of order"):
        calls[verb]()


def test_a_failing_archive_is_not_loaded(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise CancelledError("cancelled")

    engine = opened(write_program(tmp_path))
    with pytest.raises(CancelledError):
        engine.load(chunks())
    assert not (tmp_path / "names.json").exists()


def test_nothing_is_started_once_cancelled(tmp_path: Path) -> None:
    program = write_program(tmp_path)
    cancellation = Cancellation()
    cancellation.cancel()
    engine = ProgramEngine(
        EngineProgram(executable=program), HostEnvironment(), cancellation=cancellation
    )
    with pytest.raises(CancelledError):
        engine.info()
    assert journal(program) == []


@pytest.mark.parametrize("name", ["nothing", "a directory", "text"])
def test_what_cannot_be_run_is_told_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "a directory").mkdir()
    (tmp_path / "text").write_text("#!/bin/sh\n")
    with pytest.raises(ConfigurationError, match="not an executable file") as caught:
        opened(tmp_path / name)
    assert "dockerClient.executable" in (caught.value.hint or "")


@pytest.mark.peers
def test_dockers_own_program(docker_engine: Engine) -> None:
    engine = opened(require("docker"), **docker_engine.variables)
    image = random_image(77)
    name = Reference.parse("pyjib.test/by-program:1")
    published = EngineDestination(reference=name, engine=lambda: engine).write(image)
    assert published.image_id == image.image_id
    assert engine.image_id("pyjib.test/none:1") is None
    assert len(b"".join(engine.image_save(name))) > 1024
