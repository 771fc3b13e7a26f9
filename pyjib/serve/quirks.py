"""What registries in use do otherwise than the specification says, as presets.

Each stands for what was observed of one registry, and no more than that: what a client meets in
``pyjib registry serve --quirks NAME`` it has to get along with there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen

Auth: TypeAlias = Literal["basic", "token"]


class Places(StrEnum):
    """Where an upload's ``Location`` leads."""

    USUAL = "usual"
    SIGNED = "signed"  # with a query that must come back, in whatever order and escapes
    OPAQUE = "opaque"  # not below /v2/
    ABSOLUTE = "absolute"
    PLAIN = "plain"  # to http, although the registry was reached by https


@frozen
class Quirks:
    """How a registry departs from the rule.

    **Logins.** ``auth`` is what it asks for; ``token_lifetime`` in seconds; ``most_scopes`` in a
    request for a token, more being answered with 400; ``post_token`` its answer to a POST for one,
    ``plain_realm`` names it by http; ``scope_pair`` asks for two scopes in one text.
    **Repositories.** ``must_exist`` refuses pushes to those that nobody has created;
    ``hides_missing`` answers 401 for them to who may not push; ``missing`` is the status for a
    manifest that is not there.
    **Uploads.** ``places`` tells what a Location is like; ``patch_status`` what a PATCH is
    answered with, ``patch_most`` how many bytes it may have (416), ``patch_ranges`` false that it
    may not be a chunk (400); chunks after one of less than ``chunk_least`` bytes are lost;
    ``range_lags`` tells of a chunk less than there is. ``put_bodies`` false refuses bytes in the
    PUT (405), ``coded_bodies`` false bodies without a length (500), ``body_most`` longer ones
    (413). ``cancel`` false refuses to end a session (405).
    **Mounts.** ``mount_status`` 202 begins an upload instead, another refuses;
    ``anonymous_mount`` is the same for those without a source.
    **Reading.** ``storage`` redirects GET of blobs to another host, ``storage_heads`` HEAD too,
    and refuses who brings a login there; ``referrers`` false has no such API;
    ``manifest_type`` is what all manifests are called; ``rate_limit`` tells of one.
    ``empty_config`` false refuses a config without bytes.
    """

    auth: Auth | None = None
    token_lifetime: float | None = None
    most_scopes: int | None = None
    post_token: int | None = None
    plain_realm: bool = False
    scope_pair: bool = False
    must_exist: bool = False
    hides_missing: bool = False
    missing: int = 404
    places: Places = Places.USUAL
    patch_status: int = 202
    patch_most: int | None = None
    patch_ranges: bool = True
    chunk_least: int = 0
    range_lags: bool = False
    put_bodies: bool = True
    coded_bodies: bool = True
    body_most: int | None = None
    cancel: bool = True
    mount_status: int | None = None
    anonymous_mount: int | None = None
    storage: bool = False
    storage_heads: bool = False
    referrers: bool = True
    manifest_type: str | None = None
    rate_limit: bool = False
    empty_config: bool = True


_MIB = 1 << 20
PRESETS: dict[str, Quirks] = {
    "acr": Quirks(auth="token", storage=True),
    "artifactory": Quirks(
        auth="token", missing=403, post_token=401, put_bodies=False, places=Places.PLAIN
    ),
    "digitalocean": Quirks(auth="token", most_scopes=1, storage=True, storage_heads=True),
    "dockerhub": Quirks(
        auth="token",
        token_lifetime=300,
        hides_missing=True,
        storage=True,
        places=Places.SIGNED,
        rate_limit=True,
        mount_status=202,
    ),
    "ecr": Quirks(
        auth="basic",
        must_exist=True,
        patch_status=201,
        chunk_least=5 * _MIB,
        mount_status=202,
        storage=True,
        places=Places.ABSOLUTE,
    ),
    "gar": Quirks(
        auth="token",
        places=Places.OPAQUE,
        patch_ranges=False,
        post_token=404,
        empty_config=False,
    ),
    "ghcr": Quirks(auth="token", patch_most=4 * _MIB, cancel=False, referrers=False, storage=True),
    "gitlab": Quirks(auth="token", token_lifetime=300, scope_pair=True, places=Places.SIGNED),
    "harbor": Quirks(auth="token", mount_status=401, places=Places.SIGNED),
    "nexus": Quirks(auth="token", plain_realm=True, body_most=64 * _MIB),
    "nginx": Quirks(body_most=_MIB),
    "quay": Quirks(auth="token", anonymous_mount=400, coded_bodies=False, storage=True),
    "redhat": Quirks(auth="token", manifest_type="text/plain", storage=True),
    "zot": Quirks(range_lags=True),
}


def quirks_of(name: str) -> Quirks:
    """Return a preset. Raises ``ConfigurationError`` for a name that there is none of."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigurationError(
            f"there are no quirks called {name}", hint=f"there are {', '.join(sorted(PRESETS))}"
        ) from None
