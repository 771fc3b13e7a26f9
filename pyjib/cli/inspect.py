"""``pyjib inspect``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from pyjib.base import BaseImages
from pyjib.build import pull
from pyjib.cancellation import Cancellation
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command, Option
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import json_text, say, visible
from pyjib.cli.reach_values import mirror_warnings
from pyjib.cli.read_options import read_reach
from pyjib.cli.render import size
from pyjib.cli.values import parse_image_location
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.image import Image
from pyjib.oci.json import Json
from pyjib.oci.platform import Platform

EXAMPLES = """
# An image in a registry
pyjib inspect eclipse-temurin:17-jre --platform linux/arm64

# A file, a layout, an image in the local daemon
pyjib inspect tar://app.tar
pyjib inspect oci://images:1.0 --json
pyjib inspect docker://app
"""


@click.command(
    cls=Command,
    examples=EXAMPLES,
    params=[
        click.Argument(
            ["location"], type=shared.Text("location", parse_image_location), metavar="LOCATION"
        ),
        Option(
            "--platform",
            metavar="OS/ARCH",
            type=shared.Text("platform", Platform.parse),
            help="Which image of an index to show. Default: linux/amd64, or the only one.",
        ),
        *shared.CONNECTION,
        shared.CACHE,
        shared.JSON,
        outputs.QUIET,
        shared.DEBUG,
    ],
)
@click.pass_context
def inspect_command(ctx: click.Context, /, **given: Any) -> None:
    """Show what an image is made of and what it runs.

    LOCATION is a name in a registry, docker://NAME, tar://FILE or oci://DIR[:TAG]. Manifest
    and config are read and verified; a registry's layers are not downloaded.
    """
    options = read_reach(given)
    platforms = (given["platform"],) if given["platform"] else ()
    output = outputs.output_of(ctx, given)
    for warning in mirror_warnings(given):
        output(warning)

    def read(cancellation: Cancellation) -> BaseImages:
        with pull(
            given["location"],
            platforms=platforms,
            options=options,
            listener=output,
            cancellation=cancellation,
        ) as images:
            return images

    found = document(run_cancellable(read))
    say(json_text(found) if given["as_json"] else "\n".join(_lines(found)))


def document(found: BaseImages) -> Json:
    """Return what is known of an image; of an index, of its first image that was asked for."""
    image = found.images[0]
    top = found.index or image.manifest
    config = image.config.document
    return {
        "name": found.name,
        "digest": str(found.digest or image.digest),
        "mediaType": top.media_type,
        "manifests": [_manifest(entry) for entry in (found.index.manifests if found.index else ())],
        "platform": str(image.platform),
        "manifestDigest": str(image.digest),
        "imageId": str(image.image_id),
        "created": config.get("created"),
        "author": config.get("author"),
        "config": image.config.run,
        "size": sum(layer.size for layer in image.manifest.layers),
        "layers": _layers(image),
    }


def _manifest(entry: Descriptor) -> Json:
    return {
        "platform": str(entry.platform) if entry.platform else None,
        "digest": str(entry.digest),
        "mediaType": entry.media_type,
        "size": entry.size,
    }


def _layers(image: Image) -> list[Json]:
    """Return the layers with the history that belongs to each, where there is such."""
    history: tuple[Any, ...] = image.config.history
    told = [step for step in history if isinstance(step, dict)]
    steps = [step for step in told if not step.get("empty_layer")]
    steps += [{}] * (len(image.manifest.layers) - len(steps))
    ids = [str(diff_id) for diff_id in image.config.diff_ids]
    return [
        {
            "digest": str(layer.digest),
            "diffId": diff_id,
            "mediaType": layer.media_type,
            "size": layer.size,
            "createdBy": step.get("created_by"),
            "comment": step.get("comment"),
        }
        for layer, diff_id, step in zip(image.manifest.layers, ids, steps, strict=False)
    ]


def _lines(found: Json) -> Iterator[str]:
    yield _fact("name", found["name"])
    yield _fact("digest", found["digest"])
    yield _fact("type", found["mediaType"])
    for entry in found["manifests"]:
        yield _fact("manifest", f"{entry['digest']}  {entry['platform'] or ''}".rstrip())
    yield _fact("platform", found["platform"])
    yield _fact("image ID", found["imageId"])
    yield _fact("created", found["created"] or "not told")
    yield from _config(found["config"])
    yield ""
    count = len(found["layers"])
    yield f"{count} {'layer' if count == 1 else 'layers'}, {size(found['size'])}"
    for layer in found["layers"]:
        made = layer["comment"] or layer["createdBy"] or ""
        yield _shortened(f"  {size(layer['size']):>9}  {layer['digest']}  {made}")


def _config(run: Json) -> Iterator[str]:
    for name, member in (("entrypoint", "Entrypoint"), ("cmd", "Cmd")):
        if run.get(member):
            yield _fact(name, json.dumps(run[member], ensure_ascii=False))
    several = (("env", "Env"), ("label", "Labels"), ("port", "ExposedPorts"), ("volume", "Volumes"))
    for name, member in several:
        for value in _several(run.get(member)):
            yield _fact(name, value)
    for name, member in (("user", "User"), ("workdir", "WorkingDir"), ("signal", "StopSignal")):
        if run.get(member):
            yield _fact(name, run[member])
    if run.get("Healthcheck"):
        yield _fact("healthcheck", json.dumps(run["Healthcheck"], ensure_ascii=False))


def _fact(name: str, value: str) -> str:
    return visible(f"{name:11} {value}")


def _several(value: object) -> list[str]:
    """Return a list's items, or an object's members; a config may hold anything anywhere."""
    if isinstance(value, dict):
        return [f"{name}={text}" if isinstance(text, str) else name for name, text in value.items()]
    return [str(item) for item in value] if isinstance(value, list) else []


_LONGEST = 160


def _shortened(line: str) -> str:
    """Cut a line short: the command that made a layer can be a whole script."""
    line = visible(line.replace("\n", " "))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
