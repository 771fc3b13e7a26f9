"""Clouds' logins end: they are looked for anew before they do, and held for as long as they last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.events import ignore
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login import credentials
from pyjib.registry.login.cloud import exchange
from pyjib.registry.session import Session
from tests.support.scripted import Reply, ScriptedServer

REGISTRY = "europe-docker.pkg.dev"


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (credentials, exchange):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def google() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def test_one_login_serves_all_repositories_of_a_registry(
    clock: Clock, google: ScriptedServer
) -> None:
    """The base image and the image that is pushed often lie in one registry."""
    google.rule("GET", ".*", Reply(200, {}, b'{"access_token":"one","expires_in":120}'), times=1)
    google.rule("GET", ".*", Reply(200, {}, b'{"access_token":"two","expires_in":900}'), times=1)
    host = HostEnvironment.of({"GCE_METADATA_HOST": google.address}, Path("/nonexistent"))
    session = Session(
        RegistryOptions(), host, listener=ignore, cancellation=Cancellation(), wait=None
    )
    found = []
    for seconds in (1000, 1061):
        clock.now = seconds
        for repository in ("p/base", "p/app", "p/base"):
            held = session.finder.find(REGISTRY, repository).credential
            found.append(held.password if held else None)
    session.close()
    assert found == ["one"] * 3 + ["two"] * 3
    assert len(google.journal) == 2


def test_a_login_is_held_while_its_source_is_in_trouble(
    clock: Clock, google: ScriptedServer
) -> None:
    def gives(text: str) -> Reply:
        return Reply(200, {}, f'{{"access_token":"{text}","expires_in":120}}'.encode())

    google.rule("GET", ".*", gives("first"), times=1)
    google.rule("GET", ".*", Reply(500), times=1)
    google.rule("GET", ".*", gives("second"), times=1)
    google.rule("GET", ".*", Reply(500))
    host = HostEnvironment.of({"GCE_METADATA_HOST": google.address}, Path("/nonexistent"))
    session = Session(
        RegistryOptions(), host, listener=ignore, cancellation=Cancellation(), wait=None
    )
    found = []
    for seconds in (1000, 1059, 1061, 1070, 1072, 1075, 1133, 1190, 1200):
        clock.now = seconds
        held = session.finder.find(REGISTRY).credential
        found.append((held.password if held else None, len(google.journal)))
    session.close()
    assert found == [
        ("first", 1),
        ("first", 1),
        ("first", 2),  # less than a minute is left, and the source is in trouble
        ("first", 2),  # it was asked a moment ago
        ("second", 3),
        ("second", 3),
        ("second", 4),
        ("second", 5),
        (None, 6),  # it has ended
    ]
