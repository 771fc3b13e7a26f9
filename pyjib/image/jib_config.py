"""The image config exactly as Jib writes it, order and omissions included.

Members come in Jib's order; whatever its model does not know of the base is dropped; ``Env``
and ``Labels`` are in the order of Java's hash maps; history follows its own rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pyjib.errors import ContentError
from pyjib.image import inherited
from pyjib.image.java_hash_map import JavaHashMap
from pyjib.oci.image import Image
from pyjib.oci.json import Json
from pyjib.oci.media_type import ImageFormat
from pyjib.patterns import late
from pyjib.plan.model import BuildPlan

# Java's dot stops at every kind of line end.
_VARIABLE = late(r"([^=]+)=([^\n\r\x85\u2028\u2029]*)")
_PORT = late(r"([0-9]{1,9})(?:/(tcp|udp))?")
_HEALTHCHECK = ("Test", "Interval", "Timeout", "StartPeriod", "Retries")
_HISTORY = ("created", "author", "created_by", "comment", "empty_layer")


def jib_config(base: Image, names: Sequence[str], diff_ids: Sequence[str], plan: BuildPlan) -> Json:
    """Return the config of ``base`` with our layers, of these names and diff ids, on top.

    Raises ``ContentError`` where Jib refuses a base config.
    """
    document = base.config.document
    return {
        "created": str(plan.created),
        "architecture": document["architecture"],
        "os": document["os"],
        "config": _run(base.config.run, plan),
        "history": _history(base, names, plan),
        "rootfs": {
            "type": "layers",
            "diff_ids": [*(str(diff_id) for diff_id in base.config.diff_ids), *diff_ids],
        },
    }


def _run(base: Json, plan: BuildPlan) -> Json:
    ours, jdk = plan.config, plan.identity.jdk
    entrypoint, arguments = inherited.read_start(base, ours)
    working_directory = inherited.read_text(base, "WorkingDir")
    user = inherited.read_text(base, "User")
    members: dict[str, Any] = {
        "Env": _environment(base, ours.environment, jdk),
        "Entrypoint": entrypoint,
        "Cmd": arguments,
        "Healthcheck": _healthcheck(base, plan.format),
        "ExposedPorts": _ports(base, ours.ports),
        "Labels": _labels(base, ours.labels, jdk),
        "WorkingDir": working_directory
        if ours.working_directory is None
        else ours.working_directory,
        "User": user if ours.user is None else ours.user,
        "Volumes": _volumes(base, ours.volumes),
    }
    return {name: value for name, value in members.items() if value is not None}


def _environment(base: Json, ours: Iterable[tuple[str, str]], jdk: int) -> list[str]:
    variables = JavaHashMap(jdk)
    for entry in inherited.read_texts(base, "Env") or ():
        match = _VARIABLE.fullmatch(entry)
        if match is None:
            raise _refused("Env", entry, "not NAME=VALUE on one line")
        variables.put(match[1], match[2])
    return [f"{name}={value}" for name, value in _merged(variables, ours, jdk).items()]


def _labels(base: Json, ours: Iterable[tuple[str, str]], jdk: int) -> dict[str, str]:
    labels = JavaHashMap(jdk)
    labels.put_all(inherited.read_labels(base))
    return _merged(labels, ours, jdk)


def _merged(base: JavaHashMap, ours: Iterable[tuple[str, str]], jdk: int) -> dict[str, str]:
    """Copy map by map as Jib does: each copy has its own capacity, and so its own order."""
    configured = JavaHashMap(jdk)
    configured.put_all(dict(ours))
    result = JavaHashMap(jdk)
    result.put_all(base.entries())
    result.put_all(configured.entries())
    return result.entries()


def _healthcheck(base: Json, image_format: ImageFormat) -> Json | None:
    check = inherited.read_members(base, "Healthcheck")
    if image_format is not ImageFormat.DOCKER or not check or not check.get("Test"):
        return None
    return {name: check[name] for name in _HEALTHCHECK if check.get(name) is not None}


def _ports(base: Json, ours: Iterable[str]) -> Json:
    ports = set(ours)
    for port in inherited.read_members(base, "ExposedPorts") or ():
        match = _PORT.fullmatch(port)
        if match is None:
            raise _refused("ExposedPorts", port, "not N, N/tcp or N/udp")
        ports.add(f"{int(match[1])}/{match[2] or 'tcp'}")
    return {port: {} for port in sorted(ports)}


def _volumes(base: Json, ours: Iterable[str]) -> Json:
    volumes = set(ours)
    for volume in inherited.read_members(base, "Volumes") or ():
        if not volume.startswith("/"):
            raise _refused("Volumes", volume, "not an absolute path")
        volumes.add("/" + "/".join(part for part in volume.split("/") if part))
    ordered = sorted(volumes, key=lambda path: path.encode("utf-16-be", "surrogatepass"))
    return {volume: {} for volume in ordered}


def _history(base: Image, names: Iterable[str], plan: BuildPlan) -> list[Json]:
    created = str(plan.created)
    entries = [
        {name: entry[name] for name in _HISTORY if entry.get(name) is not None}
        for entry in inherited.read_history(base.config)
    ]
    missing = len(base.layers) - sum(inherited.is_of_layer(entry) for entry in entries)
    filler = {"created": created, "comment": "auto-generated by Jib"}
    ours = {
        "created": created,
        "author": plan.identity.author,
        "created_by": plan.identity.created_by,
    }
    return [*entries, *[filler] * missing, *({**ours, "comment": name} for name in names)]


def _refused(member: str, value: str, reason: str) -> ContentError:
    return ContentError(
        f"config.{member}: {value!r} is {reason}",
        hint="Jib refuses such a base too; take another one by --from",
    )
