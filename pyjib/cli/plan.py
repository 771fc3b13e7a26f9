"""``pyjib plan``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pyjib.build import plan
from pyjib.cancellation import Cancellation
from pyjib.cli import jib_options
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command
from pyjib.cli.configured import read_configured
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import json_text, say, visible
from pyjib.cli.render import Level, Line, Output, size
from pyjib.configure import Configured
from pyjib.image.java import check_java_name
from pyjib.layer.cache_key import KeyMaker
from pyjib.layer.pack import describe_layer
from pyjib.oci.json import Json
from pyjib.oci.location import EngineLocation, RegistryLocation
from pyjib.options import BuildOptions
from pyjib.plan.describe import describe_plan
from pyjib.plan.model import BuildPlan
from pyjib.store.store import Store
from pyjib.tools import cache_directory

EXAMPLES = """
# What would be built of the project in this directory
pyjib plan

# The same input as build: see what an option changes
pyjib plan app.jar --mode packaged --to team/app

# Compare two plans
pyjib plan --json > plan.json
"""


@click.command(
    cls=Command,
    examples=EXAMPLES,
    params=[
        shared.PATH,
        *shared.OPTIONS,
        *jib_options.OPTIONS,
        shared.CACHE,
        shared.JSON,
        outputs.QUIET,
        shared.DEBUG,
    ],
)
@click.pass_context
def plan_command(ctx: click.Context, /, path: Path, **given: Any) -> None:
    """Show what build would make, without writing or sending anything.

    PATH and options are those of build. Shown are base image, platforms, targets, what the
    container runs, and the layers with their files, sizes and digests. No server is asked.
    """
    output = outputs.output_of(ctx, given)
    configured = read_configured(given, path, output, log_in=False, writes=False)
    if configured.skipped is not None:
        output.show(Line(verb="skipped", text=configured.skipped, level=Level.WARNINGS))
        return
    result = run_cancellable(
        lambda cancellation: _describe(configured, path, output, cancellation),
        cancellation=configured.cancellation,
    )
    if given["as_json"]:
        say(json_text(result))
    else:
        say("\n".join(_lines(result)))


def _describe(
    configured: Configured, path: Path, output: Output, cancellation: Cancellation
) -> Json:
    options = configured.options
    planned = plan(options, path=configured.path or path, read=configured.read, listener=output)
    made = planned.plan
    check_java_name(made.base, made.java_version)
    store = Store(cache_directory(options))
    digests = _file_digests(made, store, cancellation)
    kind = planned.project.kind.value if planned.project else "listed files"
    return {"project": kind, "configuration": configured.source} | describe_plan(
        made,
        digest_of=lambda source: digests[id(source)],
        summarize=lambda layer: describe_layer(
            layer, made.recipe, store, cancellation=cancellation
        ),
        targets=_targets(options),
    )


def _file_digests(made: BuildPlan, store: Store, cancellation: Cancellation) -> dict[int, Any]:
    """Return the digest of every file's content, by the identity of its source."""
    maker = KeyMaker(store, made.recipe, cancellation.check, writes=False)
    return {
        id(entry.source): digest
        for layer in made.layers
        for entry, digest in zip(layer.entries, maker.key_of(layer).digests, strict=True)
    }


def _targets(options: BuildOptions) -> list[str]:
    found = []
    for target in options.targets:
        found.append(str(target))
        if isinstance(target, RegistryLocation):
            found += [str(target.reference.with_tag(tag)) for tag in options.tags]
        elif isinstance(target, EngineLocation):
            tagged = (target.reference.with_tag(tag) for tag in options.tags)
            found += [str(EngineLocation(reference=reference)) for reference in tagged]
    return list(dict.fromkeys(found))


def _lines(plan_: Json) -> Iterator[str]:
    """Yield a plan as text: facts, one a line, then the layers with their entries."""
    recipe = plan_["recipe"]
    level = "" if recipe["level"] is None else f" level {recipe['level']}"
    yield _fact("project", plan_["project"])
    if plan_["configuration"]:
        yield _fact("by", plan_["configuration"])
    yield _fact("base", plan_["base"])
    yield _fact("platforms", ", ".join(plan_["platforms"]))
    yield _fact("format", f"{plan_['format']}, layers {recipe['compression']}{level}")
    yield _fact("created", plan_["created"])
    for target in plan_["targets"] or ["none yet: add --to"]:
        yield _fact("target", target)
    yield from _config(plan_["config"])
    for layer in plan_["layers"]:
        yield from _layer(layer)


_INHERITED = "as in the base image"


def _config(config: Json) -> Iterator[str]:
    entrypoint, arguments = config["entrypoint"], config["cmd"]
    yield _fact("entrypoint", json.dumps(entrypoint) if entrypoint is not None else _INHERITED)
    if arguments is None and entrypoint is None:
        yield _fact("cmd", _INHERITED)
    elif arguments:
        yield _fact("cmd", json.dumps(arguments))
    for name, members in (("env", config["env"]), ("label", config["labels"])):
        for key, value in members.items():
            yield _fact(name, f"{key}={value}")
    for name, member in (("port", "exposedPorts"), ("volume", "volumes")):
        for value in config[member]:
            yield _fact(name, value)
    for name, member in (("user", "user"), ("workdir", "workingDir")):
        if config[member] is not None:
            yield _fact(name, config[member])


def _layer(layer: Json) -> Iterator[str]:
    files = [entry for entry in layer["entries"] if entry["type"] == "file"]
    count = f"{len(files)} {'file' if len(files) == 1 else 'files'}"
    yield ""
    yield visible(f"layer {layer['name']}: {count}, {size(layer['size'])} as tar")
    yield f"  diff id {layer['diffId']}"
    for entry in layer["entries"]:
        is_file = entry["type"] == "file"
        count = size(entry["size"]) if is_file else ""
        digest = entry["sha256"][:12] if is_file else ""
        name = entry["target"] if is_file else f"{entry['target']}/"
        owner = f" {entry['owner']}" if entry["owner"] else ""
        yield visible(f"  {entry['mode']}{owner} {count:>9} {digest:12} {name}")


def _fact(name: str, value: str) -> str:
    return visible(f"{name:11} {value}")
