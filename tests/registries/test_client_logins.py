"""Logins against every registry that has some: htpasswd, and tokens of a server apart."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseTools
from pyjib.errors import DeniedError, RegistryError, UnauthorizedError
from pyjib.events import BlobMounted
from pyjib.oci.image import AnyImage, Image
from pyjib.oci.location import RegistryLocation
from pyjib.oci.reference import Reference
from pyjib.registry.transfer import push_image
from pyjib.store.store import Store
from tests.support.clients import Watched, watched
from tests.support.go_registries import Kind, Mode, Real, Registries, kinds
from tests.support.images import checked, random_image, random_index

REFUSED = (UnauthorizedError, DeniedError)


@pytest.fixture(params=kinds(Mode.BASIC))
def guarded(request: pytest.FixtureRequest, registries: Registries) -> Real:
    """A registry that wants name and password."""
    return registries.get(request.param, Mode.BASIC)


@pytest.fixture(params=kinds(Mode.TOKEN))
def tokened(request: pytest.FixtureRequest, registries: Registries) -> Real:
    """A registry that wants a token."""
    return registries.get(request.param, Mode.TOKEN)


def at(real: Real, repository: str) -> Reference:
    return Reference.parse(f"{real.address}/{repository}:1")


def user(real: Real, name: str | None, password: str = "secret") -> AbstractContextManager[Watched]:
    """Open a client with a user's login, or none."""
    return watched(login=(real.address, name, password) if name else None)


def push(it: Watched, name: Reference, image: AnyImage) -> None:
    push_image(
        it.client,
        image,
        name,
        (),
        jobs=4,
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def pull(it: Watched, name: Reference, directory: Path) -> Image:
    tools = BaseTools(store=Store(directory), registry=it.client, engine=cast(Any, None))
    return checked(pull_base(RegistryLocation(reference=name), (), tools=tools).images[0])


def test_name_and_password(guarded: Real, tmp_path: Path) -> None:
    index = random_index(200)
    name = at(guarded, "basic")
    with user(guarded, "anna") as it:
        it.client.ping(guarded.address)
        push(it, name, index)
    with user(guarded, "ben") as it:
        assert it.client.manifest_head(name) == index.descriptor
        image = pull(it, name.with_digest(index.images[0].digest), tmp_path)
    assert image.digest == index.images[0].digest


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "guess"), ("nobody", "secret"), (None, "")]
)
def test_a_login_that_is_wrong_or_missing(guarded: Real, name: str | None, password: str) -> None:
    with user(guarded, name, password) as it, pytest.raises(UnauthorizedError) as caught:
        push(it, at(guarded, "basic"), random_image(201))
    assert guarded.address in f"{caught.value.message} {caught.value.hint}"
    assert "guess" not in f"{caught.value.message} {caught.value.hint}"


def test_tokens_for_pushing_and_pulling(tokened: Real, tmp_path: Path) -> None:
    image = random_image(210)
    name = at(tokened, "team/app")
    with user(tokened, "anna") as it:
        it.client.ping(tokened.address)
        push(it, name, image)
    with user(tokened, "ben") as it:
        assert pull(it, name, tmp_path).digest == image.digest
        with pytest.raises(REFUSED):
            push(it, name, random_image(211))
    with user(tokened, "anna") as it:
        assert it.client.manifest_head(name) == image.descriptor
        assert it.client.manifest_delete(name.with_digest(image.digest))


@pytest.mark.parametrize("kind", kinds(Mode.TOKEN, tokens_apart=True))
def test_a_push_asks_for_one_token(kind: Kind, registries: Registries) -> None:
    real = registries.get(kind, Mode.TOKEN)
    assert real.tokens is not None
    real.tokens.asked.clear()
    with user(real, "anna") as it:
        push(it, at(real, "team/one-token"), random_index(212))
    assert real.tokens.asked == [("anna", ("repository:team/one-token:pull,push",))]


def test_without_a_login(tokened: Real, tmp_path: Path) -> None:
    image = random_image(213)
    public, own = at(tokened, "public/app"), at(tokened, "team/own")
    with user(tokened, "anna") as it:
        push(it, public, image)
        push(it, own, image)
    with user(tokened, None) as it:
        assert pull(it, public, tmp_path).digest == image.digest
        with pytest.raises(REFUSED):
            it.client.manifest_get(own)
        with pytest.raises(REFUSED):
            push(it, public, random_image(214))


def test_a_wrong_password(tokened: Real) -> None:
    with user(tokened, "anna", "guess") as it, pytest.raises(RegistryError) as caught:
        push(it, at(tokened, "team/wrong"), random_image(215))
    assert isinstance(caught.value, REFUSED)
    assert "guess" not in f"{caught.value.message} {caught.value.hint}"


def test_a_base_in_another_repository_is_mounted(tokened: Real, tmp_path: Path) -> None:
    """The token of the push allows to read the base's repository too."""
    image = random_image(216)
    base, target = at(tokened, "public/base"), at(tokened, "team/on-base")
    with user(tokened, "anna") as it:
        push(it, base, image)
    with user(tokened, "anna") as it:
        push(it, target, pull(it, base, tmp_path))
        assert [event.source for event in it.of(BlobMounted)] == ["public/base"] * 2
    if tokened.tokens is not None:
        scopes = ("repository:team/on-base:pull,push", "repository:public/base:pull")
        assert tokened.tokens.asked[-1] == ("anna", scopes)


def test_a_base_that_may_not_be_mounted_is_sent(tokened: Real, tmp_path: Path) -> None:
    """Anna may not read the repository that her base is said to come from."""
    image = random_image(217)
    closed, target = at(tokened, "closed/base"), at(tokened, "team/on-closed")
    with user(tokened, "anna") as it:
        push(it, at(tokened, "public/base"), image)
        found = pull(it, at(tokened, "public/base"), tmp_path)
    layers = tuple(replace(layer, origin=closed) for layer in found.layers)
    with user(tokened, "anna") as it:
        push(it, target, replace(found, layers=layers))
        assert it.of(BlobMounted) == []
        assert it.client.manifest_head(target) == image.descriptor
