"""What a base image's config says, read with care: it was written by somebody else.

Every reader returns ``None`` for a member that is absent or null, and raises
``MalformedDocumentError`` for one of the wrong kind, naming its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyjib.errors import MalformedDocumentError
from pyjib.oci.config import ImageConfig
from pyjib.oci.json import Json
from pyjib.plan.model import ContainerConfig


def read_text(run: Json, name: str) -> str | None:
    """Read a member that is text, for example ``User``."""
    value = run.get(name)
    if value is None or isinstance(value, str):
        return value
    raise MalformedDocumentError("not text", path=f"config.{name}")


def read_texts(run: Json, name: str) -> list[str] | None:
    """Read a member that is a list of texts, for example ``Env``."""
    value = run.get(name)
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise MalformedDocumentError("not a list of texts", path=f"config.{name}")


def read_members(run: Json, name: str) -> Json | None:
    """Read a member that is an object, for example ``ExposedPorts``."""
    value = run.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise MalformedDocumentError("not an object", path=f"config.{name}")


def read_labels(run: Json) -> dict[str, str]:
    """Read ``Labels``; empty if there are none."""
    labels = read_members(run, "Labels") or {}
    if all(isinstance(value, str) for value in labels.values()):
        return labels
    raise MalformedDocumentError("a value is not text", path="config.Labels")


def read_history(config: ImageConfig) -> list[Json]:
    """Read ``history``, oldest first; empty if there is none."""
    history = config.document.get("history")
    if history is None:
        return []
    if isinstance(history, list) and all(isinstance(entry, dict) for entry in history):
        return list(history)
    raise MalformedDocumentError("not a list of objects", path="history")


def is_of_layer(entry: Json) -> bool:
    """Tell whether an entry of history stands for a layer (it is not an ``empty_layer``)."""
    return not entry.get("empty_layer")


def read_start(run: Json, ours: ContainerConfig) -> tuple[Sequence[str] | None, ...]:
    """Return entrypoint and arguments of the new image.

    The base's arguments belong to the base's entrypoint: they are taken over only if neither of
    the two is ours, as Docker and Jib do.
    """
    if ours.entrypoint is None and ours.arguments is None:
        return read_texts(run, "Entrypoint"), read_texts(run, "Cmd")
    if ours.entrypoint is None:
        return read_texts(run, "Entrypoint"), ours.arguments
    return ours.entrypoint, ours.arguments
