"""A build plan as JSON, for ``pyjib plan --json`` and for comparing two plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pyjib.oci.digest import Digest
from pyjib.oci.json import Json
from pyjib.plan.model import BuildPlan, ContainerConfig, LayerEntry, LayerPlan
from pyjib.project.model import FileSource


class LayerSummary(Protocol):
    """What packing a layer would make: the size of its tar in bytes, and the tar's digest."""

    @property
    def size(self) -> int:
        """The size of the uncompressed tar."""
        ...

    @property
    def diff_id(self) -> Digest:
        """The digest of the uncompressed tar."""
        ...


def describe_plan(
    plan: BuildPlan,
    *,
    digest_of: Callable[[FileSource], Digest],
    summarize: Callable[[LayerPlan], LayerSummary] | None = None,
    targets: Sequence[str] = (),
) -> Json:
    """Return a plan as a JSON object in a fixed order, equal on every machine for equal plans.

    Files are told by size and ``digest_of`` (sha256), never by where they lie. ``summarize``
    adds ``size`` and ``diffId`` to each layer. ``null`` in the config means "as the base has
    it". Modes are octal text, times RFC 3339.
    """
    return {
        "base": str(plan.base),
        "platforms": [str(platform) for platform in plan.platforms],
        "format": plan.format.value,
        "created": str(plan.created),
        "javaVersion": plan.java_version,
        "identity": {
            "tool": plan.identity.tool,
            "version": plan.identity.version,
            "jdk": plan.identity.jdk,
        },
        "recipe": {
            "compression": plan.recipe.compression.value,
            "level": plan.recipe.level,
            "inParts": plan.recipe.in_parts,
            "timeRecords": plan.recipe.time_records,
            "gzipOs": plan.recipe.gzip_os,
        },
        "config": _config(plan.config),
        "layers": [_layer(layer, digest_of, summarize) for layer in plan.layers],
        "targets": list(targets),
    }


def _config(config: ContainerConfig) -> Json:
    return {
        "env": dict(config.environment),
        "labels": dict(config.labels),
        "exposedPorts": list(config.ports),
        "volumes": list(config.volumes),
        "user": config.user,
        "workingDir": config.working_directory,
        "entrypoint": None if config.entrypoint is None else list(config.entrypoint),
        "cmd": None if config.arguments is None else list(config.arguments),
    }


def _layer(
    layer: LayerPlan,
    digest_of: Callable[[FileSource], Digest],
    summarize: Callable[[LayerPlan], LayerSummary] | None,
) -> Json:
    result: Json = {"name": layer.name}
    if summarize is not None:
        summary = summarize(layer)
        result |= {"size": summary.size, "diffId": str(summary.diff_id)}
    return result | {"entries": [_entry(entry, digest_of) for entry in layer.entries]}


def _entry(entry: LayerEntry, digest_of: Callable[[FileSource], Digest]) -> Json:
    result: Json = {
        "target": entry.target,
        "type": "directory" if entry.source is None else "file",
        "mode": f"{entry.mode:03o}",
        "mtime": str(entry.mtime),
        "owner": entry.owner,
    }
    if entry.source is not None:
        result |= {"size": entry.source.size, "sha256": digest_of(entry.source).hex}
    return result
