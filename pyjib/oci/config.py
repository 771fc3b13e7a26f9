"""The image's config: what runs, on what, made of which layers (OCI image configuration)."""

from __future__ import annotations

from typing import Any, Self

from pyjib.errors import InvalidReferenceError, MalformedDocumentError
from pyjib.frozen import frozen
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json, load
from pyjib.oci.platform import Platform


@frozen
class ImageConfig:
    """A view of a config's bytes.

    ``document`` is everything that was in them, unknown members included; treat it as
    read-only. ``run`` is its ``config`` member: ``Env``, ``Entrypoint`` and so on.
    """

    data: bytes
    document: Json
    platform: Platform
    diff_ids: tuple[Digest, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a config; raises ``MalformedDocumentError``."""
        document = load(data, "image config")
        return cls(
            data=data,
            document=document,
            platform=_platform(document),
            diff_ids=_diff_ids(document),
        )

    @property
    def digest(self) -> Digest:
        """The image ID."""
        return Digest.of(self.data)

    @property
    def run(self) -> Json:
        """What a container made of the image runs with; empty if the config says nothing."""
        run = self.document.get("config")
        return run if isinstance(run, dict) else {}

    @property
    def history(self) -> tuple[Json, ...]:
        """How the layers came to be, oldest first; what is no object is left out."""
        entries = self.document.get("history")
        if not isinstance(entries, list):
            return ()
        return tuple(entry for entry in entries if isinstance(entry, dict))

    @property
    def environment(self) -> dict[str, str]:
        """The variables of ``Env``, in its order; an entry without ``=`` is left out."""
        entries = self.run.get("Env")
        if not isinstance(entries, list):
            return {}
        pairs = (entry.partition("=") for entry in entries if isinstance(entry, str))
        return {name: value for name, equals, value in pairs if equals}


def _platform(document: Json) -> Platform:
    os_name, architecture = document.get("os"), document.get("architecture")
    variant = document.get("variant")
    if not isinstance(os_name, str) or not isinstance(architecture, str):
        raise MalformedDocumentError("image config without os and architecture")
    return Platform(
        os=os_name,
        architecture=architecture,
        variant=variant if isinstance(variant, str) and variant else None,
    )


def _diff_ids(document: Json) -> tuple[Digest, ...]:
    rootfs: Any = document.get("rootfs")
    ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if ids is None:
        return ()
    if not isinstance(ids, list):
        raise MalformedDocumentError("not a list", path="rootfs.diff_ids")
    try:
        return tuple(Digest.parse(text) for text in ids)
    except (InvalidReferenceError, AttributeError) as error:
        raise MalformedDocumentError(str(error), path="rootfs.diff_ids") from None
