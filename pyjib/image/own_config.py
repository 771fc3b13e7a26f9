"""The image config as pyjib writes it: the base's document, with ours laid over it.

Members that pyjib knows nothing of survive, and every member keeps the place that it has in the
base's document, so that the same base gives the same order always.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyjib.image import inherited
from pyjib.oci.image import Image
from pyjib.oci.json import Json
from pyjib.plan.model import BuildPlan


def own_config(base: Image, names: Sequence[str], diff_ids: Sequence[str], plan: BuildPlan) -> Json:
    """Return the config of ``base`` with our layers, of these names and diff ids, on top."""
    return {
        **base.config.document,
        "created": str(plan.created),
        "config": _run(base.config.run, plan),
        "rootfs": {
            "type": "layers",
            "diff_ids": [*(str(diff_id) for diff_id in base.config.diff_ids), *diff_ids],
        },
        "history": _history(base, names, plan),
    }


def _run(base: Json, plan: BuildPlan) -> Json:
    ours, run = plan.config, dict(base)
    entrypoint, arguments = inherited.read_start(base, ours)
    ports = inherited.read_members(base, "ExposedPorts") or {}
    volumes = inherited.read_members(base, "Volumes") or {}
    laid_over = {
        "Env": _environment(inherited.read_texts(base, "Env") or [], ours.environment),
        "ExposedPorts": _united({_port(name): ports[name] for name in ports}, ours.ports),
        "Labels": {**inherited.read_labels(base), **dict(ours.labels)},
        "Volumes": _united(volumes, ours.volumes),
    }
    run.update({name: value for name, value in laid_over.items() if value})
    # Set to nothing is an answer too: it takes the base's away.
    settings = {"User": ours.user, "WorkingDir": ours.working_directory}
    run.update({name: value for name, value in settings.items() if value is not None})
    for name, command in (("Entrypoint", entrypoint), ("Cmd", arguments)):
        if command:
            run[name] = list(command)
        else:
            run.pop(name, None)
    return run


def _environment(base: Sequence[str], ours: Iterable[tuple[str, str]]) -> list[str]:
    """Keep the base's order; a variable of ours takes the first place that its name has there."""
    left = dict(ours)
    values = dict(left)
    result = []
    for entry in base:
        name = entry.partition("=")[0]
        if name in left:
            result.append(f"{name}={left.pop(name)}")
        elif name not in values:
            result.append(entry)
    return result + [f"{name}={value}" for name, value in left.items()]


def _united(base: Json, ours: Iterable[str]) -> Json:
    return dict(sorted({**{name: {} for name in ours}, **base}.items()))


def _port(name: str) -> str:
    return f"{name}/tcp" if name.isdecimal() else name


def _history(base: Image, names: Iterable[str], plan: BuildPlan) -> list[Json]:
    """Append our layers; first make the base's entries count as many layers as there are.

    ``docker history`` and others walk both lists side by side, and fail where they differ.
    """
    entries = inherited.read_history(base.config)
    surplus = sum(inherited.is_of_layer(entry) for entry in entries) - len(base.layers)
    for place in reversed(range(len(entries))):
        if surplus > 0 and inherited.is_of_layer(entries[place]):
            entries[place] = {**entries[place], "empty_layer": True}
            surplus -= 1
    created = str(plan.created)
    filler = {"created": created, "comment": "a layer of the base image, which has no history"}
    ours = {"created": created, "created_by": plan.identity.created_by}
    return [*entries, *[filler] * -surplus, *({**ours, "comment": name} for name in names)]
