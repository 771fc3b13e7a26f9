"""Pushes that a rule of the registry refuses, in the words of the registries in use."""

from __future__ import annotations

import json
import re

import pytest

from pyjib.errors import DeniedError, NotFoundError, RegistryError, UnauthorizedError
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient
from pyjib.serve import Fault, Moment, RegistryServer
from tests.support.clients import watched
from tests.support.images import random_image

IMAGE = random_image(1)
ME = "me"
MAY_BE = "the tag may be immutable there: push under a new one"
IMMUTABLE = "the tag is immutable there: push under a new one"
BY_DIGEST = "the image is there by its digest, so a rule about tags refuses this one"


def errors(code: str, message: str = "") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}).encode()


def refusing(part: str, status: int, body: bytes = b"", method: str = "PUT") -> Fault:
    return Fault(at=Moment.BEFORE, method=method, path=f"/v2/{part}", status=status, body=body)


def push(client: RegistryClient, name: Reference) -> None:
    """Push as ``transfer`` does: the blobs, the manifest by its digest, the tag."""
    client.expect_push(name)
    for blob in (IMAGE.config_blob, *IMAGE.layers):
        client.blob_push(name, blob)
    data, media_type = IMAGE.manifest.data, IMAGE.manifest.media_type
    client.manifest_put(name.with_digest(IMAGE.digest), data, media_type)
    client.manifest_put(name, data, media_type)


def refused(*faults: Fault) -> RegistryError:
    """Push with a login that is good, and return what comes of it."""
    with RegistryServer(users={ME: "secret"}, faults=faults) as server:
        login = (server.address, ME, "secret")
        with watched(login=login) as it, pytest.raises(RegistryError) as caught:
            push(it.client, Reference.parse(f"{server.address}/team/app:1"))
        assert it.waits == []
    caught.value.message = caught.value.message.replace(server.address, "R")
    caught.value.advise((caught.value.hint or "").replace(server.address, "R"))
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        pytest.param(
            400,
            errors(
                "TAG_INVALID",
                "The image tag '1' already exists in the 'team/app' repository and cannot be "
                "overwritten because the tag is immutable.",
            ),
            IMMUTABLE,
            id="Amazon ECR",
        ),
        pytest.param(
            400,
            errors(
                "MANIFEST_INVALID",
                "cannot update tag 1. The repository has enabled tag immutability",
            ),
            IMMUTABLE,
            id="Artifact Registry",
        ),
        pytest.param(
            412,
            errors("PRECONDITION", "Failed to process request due to 'app:1' configured as im…")
            .replace(b"\\u2026", b"mutable."),
            IMMUTABLE,
            id="Harbor",
        ),
        pytest.param(412, b"", MAY_BE, id="412"),
        pytest.param(409, errors("TAG_ALREADY_EXISTS", "tag was already pushed"), MAY_BE, id="Quay"),
        pytest.param(
            400, errors("UNKNOWN", "tag is immutable and cannot be overwritten"), IMMUTABLE,
            id="Quay 3.17",
        ),
        pytest.param(409, b"", MAY_BE, id="409"),
        pytest.param(
            405,
            errors("REGISTRY_DISALLOWED_OPERATION", "The operation is disallowed on this registry"),
            "the tag, its repository or the registry is locked there (az acr repository show",
            id="Azure",
        ),
        pytest.param(
            400,
            errors("BLOB_UPLOAD_INVALID", "Repository does not allow updating assets: docker"),
            IMMUTABLE,
            id="Nexus",
        ),
        pytest.param(
            403, errors("DENIED", "requested access to the resource is denied"), BY_DIGEST,
            id="Docker Hub, GitLab",
        ),
        pytest.param(401, b"", BY_DIGEST, id="401"),
    ],
)  # fmt: skip
def test_a_tag_that_must_not_be_moved(status: int, body: bytes, hint: str) -> None:
    error = refused(refusing("team/app/manifests/1", status, body))
    assert hint in (error.hint or "")
    after = ", after it had taken the same manifest by its digest"
    assert error.message.endswith(after) is (status != 400)
    assert "login" not in (error.hint or "")
    kinds = {401: UnauthorizedError, 403: DeniedError}
    assert type(error) is kinds.get(status, RegistryError)
    said = json.loads(body)["errors"][0]["message"] if body else ""
    assert error.message.startswith(
        f"cannot push the manifest of R/team/app:1: R answered {status}"
    )
    assert said in error.message


@pytest.mark.parametrize("status", [401, 403])
def test_blobs_were_taken_and_the_manifest_was_not(status: int) -> None:
    error = refused(refusing("team/app/manifests/sha256:*", status, errors("DENIED")))
    assert error.message.endswith("(DENIED), after it had taken the blobs")
    assert (error.hint or "").startswith("the login is good for the blobs, so a rule about tags or")
    assert (error.hint or "").endswith("push under another tag, or ask who runs R")


def test_what_vanished_after_the_blobs_were_taken() -> None:
    error = refused(refusing("team/app/manifests/sha256:*", 404))
    assert isinstance(error, NotFoundError)
    assert (error.hint or "").startswith("push again: what the registry had a moment ago")


QUOTA = "free some space at R, or have its quota raised"
COPY = "a copy of another registry takes no pushes: push to a repository of R itself"
READ_ONLY = "R is read-only for now: try again when its maintenance is over, or ask who runs it"
NO_PUSHES = "the registry takes no pushes, as if it were read-only, or a copy of another one"


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (405, b"", NO_PUSHES),  # Distribution
        (405, errors("UNSUPPORTED", "The operation is unsupported."), NO_PUSHES),
        (405, errors("DENIED", "System is currently read-only. Pulls will succeed but"), READ_ONLY),
        (403, errors("DENIED", "The system is in read only mode. Any modification"), READ_ONLY),
        (405, errors("METHOD NOT ALLOWED", "Pushes to the registry are currently disabled."), READ_ONLY),
        (405, errors("METHOD_NOT_ALLOWED", "can not push artifact to a proxy project: x"), COPY),
        (403, errors("DENIED", "Quota has been exceed on namespace"), QUOTA),
        (
            403,
            errors("DENIED", "adding 29.0 MiB of storage resource, which when updated to current "
            "usage of 152.4 MiB will exceed the configured upper limit of 10.0 MiB."),
            QUOTA,
        ),
        (412, errors("PRECONDITION", "Quota exceeded"), QUOTA),
        (413, errors("DENIED", "storage quota of the project"), QUOTA),
        (413, b"<html><title>413</title></html>", "a proxy in front of the registry limits uploads"),
        (403, errors("DENIED", "no"), "the login from the options (user me) may not push to it"),
    ],
)  # fmt: skip
def test_a_registry_that_takes_nothing(status: int, body: bytes, hint: str) -> None:
    error = refused(refusing("team/app/blobs/uploads/", status, body, "POST"))
    assert hint in (error.hint or "")
    assert "had taken" not in error.message


@pytest.mark.parametrize("status", [409, 412])
def test_a_blob_has_no_tag_that_could_be_immutable(status: int) -> None:
    error = refused(refusing("team/app/blobs/uploads/*", status))
    assert error.status == status
    assert not error.hint


@pytest.mark.parametrize("part", ["mirror", "quota", "immutable"])
def test_names_of_repositories_are_no_words_of_a_rule(part: str) -> None:
    told = f"repository name team/{part} not known to registry"
    fault = refusing(f"team/{part}/blobs/uploads/", 404, errors("NAME_UNKNOWN", told), "POST")
    with (
        RegistryServer(faults=[fault]) as server,
        watched() as it,
        pytest.raises(NotFoundError) as caught,
    ):
        push(it.client, Reference.parse(f"{server.address}/team/{part}:1"))
    assert (caught.value.hint or "").startswith("create the repository in the registry first")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, errors("DENIED", "ask mirror.corp.example:5000 for that")),
        (403, b"<html><title>Your daily quota of web pages</title></html>"),
        (500, errors("UNKNOWN", "cannot connect to a proxy")),
    ],
)
def test_words_that_name_no_rule(status: int, body: bytes) -> None:
    fault = refusing("team/app/blobs/uploads/", status, body, "POST")
    with (
        RegistryServer(faults=[fault]) as server,
        watched() as it,
        pytest.raises(RegistryError) as caught,
    ):
        push(it.client, Reference.parse(f"{server.address}/team/app:1"))
    hint = caught.value.hint or ""
    assert "asked for no login, so it is its own rules" in hint or "in trouble" in hint


def test_a_body_that_is_too_large_is_no_quota() -> None:
    said = errors("TOO_LARGE", "request body exceeds the size limit")
    error = refused(refusing("team/app/blobs/uploads/", 413, said, "POST"))
    assert (error.hint or "").startswith("a proxy in front of the registry limits uploads")


@pytest.mark.parametrize("status", [403, 412, 413])
def test_a_quota_that_shows_when_a_blob_is_there(status: int) -> None:
    """413 is met by chunks, which the registry does not take either."""
    faults = [
        refusing("team/app/blobs/uploads/*", status, errors("DENIED", "Quota exceeded"), how)
        for how in ("PUT", "PATCH")
    ]
    error = refused(*faults)
    assert error.hint == QUOTA


def test_what_was_streamed_counts_as_taken() -> None:
    layer = max(IMAGE.layers, key=lambda one: one.descriptor.size)
    fault = refusing("team/app/manifests/*", 403)
    with RegistryServer(faults=[fault]) as server, watched() as it:
        name = Reference.parse(f"{server.address}/team/app:1")
        stream = it.client.blob_stream(name)
        stream.write(layer.read(1 << 24))
        stream.finish(layer.descriptor)
        it.client.blob_push(name, layer)
        with pytest.raises(DeniedError, match=re.escape("after it had taken the blobs")):
            it.client.manifest_put(name, IMAGE.manifest.data, IMAGE.manifest.media_type)


def test_nothing_was_taken_that_was_there_before() -> None:
    """Who may read may be no more than that: the login is to blame as ever."""
    blob = Blob.of_bytes(b"x", "text/plain")
    with RegistryServer(faults=[refusing("team/app/manifests/*", 403)]) as server:
        name = Reference.parse(f"{server.address}/team/app:1")
        with watched() as before:
            before.client.blob_push(name, blob)
        with watched() as it:
            it.client.blob_push(name, blob)
            with pytest.raises(DeniedError) as caught:
                it.client.manifest_put(name, IMAGE.manifest.data, IMAGE.manifest.media_type)
    assert "had taken" not in caught.value.message
    assert "forbid to push to it" in (caught.value.hint or "")
