"""Pushes that a rule of the registry refuses, however good the login is: what helps then.

The specification has no answer for this, and registries have one each. For a tag that must not be
moved:

- Amazon ECR: 400 ``TAG_INVALID``, "... cannot be overwritten because the tag is immutable";
- Artifact Registry: 400 ``MANIFEST_INVALID``, "... has enabled tag immutability";
- Harbor: 412 ``PRECONDITION``, "... configured as immutable";
- Quay: 409 ``TAG_ALREADY_EXISTS``, or 400 ``UNKNOWN``, "tag is immutable ...";
- Azure: 405 ``REGISTRY_DISALLOWED_OPERATION``, for what somebody has locked;
- Nexus: 400 ``BLOB_UPLOAD_INVALID``, "Repository does not allow updating assets";
- Docker Hub, GitLab and Artifactory: 403 ``DENIED``, as for a login that may not push.

For a registry that is read-only: 405 of Distribution, without words, and of Quay; 403 of Harbor.
For a quota: 403 ``DENIED`` of Harbor and Quay, 413 of some. So what is said counts before the
status, and that blobs were taken by the same login counts where nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyjib.errors import RegistryDiagnostic
from pyjib.registry.login.scope import repository_of
from pyjib.registry.net.message import Call, Taken

_IMMUTABLE = "the tag may be immutable there: push under a new one"
_READ_ONLY = (
    "the registry takes no pushes, as if it were read-only, or a copy of another one: check that "
    "this is the address to push to, or ask who runs it"
)
_BY_CODE = {
    "TAG_INVALID": _IMMUTABLE,
    "TAG_IMMUTABLE": _IMMUTABLE,
    "TAG_ALREADY_EXISTS": _IMMUTABLE,
    "REGISTRY_DISALLOWED_OPERATION": "the tag, its repository or the registry is locked there (az "
    "acr repository show tells by writeEnabled): push under a new tag, or have it unlocked",
}
_BY_STATUS = {405: _READ_ONLY, 409: _IMMUTABLE, 412: _IMMUTABLE}
_OF_TAGS = frozenset({409, 412})
_BY_WORDS = (
    (
        r"immutab|cannot be overwritten|not allow updating",
        "the tag is immutable there: push under a new one",
    ),
    (
        r"\bquota|storage.* limit|limit .*storage",
        "free some space at {registry}, or have its quota raised",
    ),
    (
        r"to a proxy\b|\bmirror(ed)?\b(?![.:/-])",
        "a copy of another registry takes no pushes: push to a repository of {registry} itself",
    ),
    (
        r"read[- ]?only|push\w* .*disabled",
        "{registry} is read-only for now: try again when its maintenance is over, or ask who runs it",
    ),
)


def by_words(call: Call, diagnostics: Sequence[RegistryDiagnostic], said: str) -> str | None:
    """Return what helps against a rule that the registry names, ``None`` if it names none."""
    words = _without_name(call, said)
    for pattern, hint in _BY_WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            return hint.format(registry=call.registry)
    return next((_BY_CODE[one.code] for one in diagnostics if one.code in _BY_CODE), None)


def by_status(call: Call, status: int) -> str | None:
    """Return what helps where nothing but a status tells of a rule, ``None`` if it does not."""
    if status in (401, 403) and call.taken is Taken.BLOBS:
        return (
            "the login is good for the blobs, so a rule about tags or manifests refuses this one, "
            "such as immutable or protected tags, or signatures that are demanded: push under "
            f"another tag, or ask who runs {call.registry}"
        )
    if status in (401, 403) and call.taken is Taken.MANIFEST:
        return (
            "the image is there by its digest, so a rule about tags refuses this one, such as "
            f"immutable or protected tags: push under another, or ask who runs {call.registry}"
        )
    if status in _OF_TAGS and not _is_of_manifest(call):
        return None
    return _BY_STATUS.get(status)


def _without_name(call: Call, said: str) -> str:
    """Return what was said without the repository's name, which may have such words in it."""
    for part in (repository := repository_of(call.scopes), *repository.split("/")):
        if part:
            said = re.sub(rf"(?<![\w.-]){re.escape(part)}(?![\w-])", "", said)
    return said


def _is_of_manifest(call: Call) -> bool:
    return call.target.partition("?")[0].split("/")[-2:-1] == ["manifests"]
