"""``pyjib compare-jib``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pyjib.base import BaseImages
from pyjib.base.model import ALL_PLATFORMS
from pyjib.build import Assembled, assemble, pull
from pyjib.cancellation import Cancellation
from pyjib.cli import jib_options
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command
from pyjib.cli.configured import explicit_fields, read_configured
from pyjib.cli.exits import FAILED, USAGE
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import json_text, say, visible
from pyjib.cli.render import Output
from pyjib.cli.values import parse_image_location
from pyjib.compare import Comparison, Difference, compare_images
from pyjib.configure import Configured
from pyjib.errors import ConfigurationError
from pyjib.events import BaseResolved, Event, Listener, Warned
from pyjib.jib.values import NOW
from pyjib.oci.identity import Identity
from pyjib.oci.image import AnyImage, ImageIndex, images_of
from pyjib.oci.instant import Instant
from pyjib.oci.json import Json
from pyjib.oci.layout import LAYOUT_FILE
from pyjib.oci.location import (
    ArchiveLocation,
    EngineLocation,
    LayoutLocation,
    Location,
    RegistryLocation,
)
from pyjib.oci.media_type import ImageFormat
from pyjib.options import BuildOptions
from pyjib.presence import is_file

EXAMPLES = """
# Is what build makes of the project in this directory the image that Jib pushed?
pyjib compare-jib registry.example.com/team/app:1.0

# After `mvn jib:buildTar`, with an option that the image was made with
pyjib compare-jib target/jib-image.tar --from eclipse-temurin:17-jdk

# What differs, for a program
pyjib compare-jib oci://image app.jar --json
"""

_ELSEWHERE = {"to": (), "tag": (), "name": None}
"""Options of build that say where the image goes: here it goes nowhere."""


def parse_image(text: str) -> Location:
    """Parse a location; the path of a tar file will do, or of an OCI layout that is there."""
    if "://" not in text:
        path = Path(text)
        if text.lower().endswith(".tar"):
            return ArchiveLocation(path=path)
        if is_file(path / LAYOUT_FILE):
            return LayoutLocation(path=path)
    return parse_image_location(text)


@click.command(
    name="compare-jib",
    cls=Command,
    examples=EXAMPLES,
    params=[
        click.Argument(["image"], type=shared.Text("image", parse_image), metavar="IMAGE"),
        shared.PATH,
        *(option for option in shared.OPTIONS if option.name not in _ELSEWHERE),
        *jib_options.OPTIONS,
        shared.CACHE,
        shared.JSON,
        *outputs.OPTIONS,
        outputs.QUIET,
        shared.DEBUG,
    ],
)
@click.pass_context
def compare_jib_command(ctx: click.Context, /, image: Location, path: Path, **given: Any) -> int:
    """Compare an image that Jib made with the one that build makes of the project.

    IMAGE is a name in a registry, docker://NAME, tar://FILE or the path of a .tar file,
    oci://DIR[:TAG] or the path of such a directory. PATH and options are those of build; nothing
    is written. Jib's version is taken from the image's history unless it is known otherwise. The
    exit code is 0 if the images are equal, down to image ID and manifest digest, and 1 if they
    differ: then the first difference is shown for each of index, manifest, config, layers, tar
    entries, headers and bytes. It is 2 if they could not be compared. What `docker save` writes,
    and Jib's own jib-image.tar, have no manifest to compare.
    """
    ctx.obj.failed = USAGE  # 1 says that the images differ
    result = _compared(image, path, given, outputs.output_of(ctx, given))
    say(json_text(document(result)) if given["as_json"] else "\n".join(_lines(result)))
    return 0 if result.is_equal else FAILED


def _compared(image: Location, path: Path, given: dict[str, Any], output: Output) -> Comparison:
    configured = read_configured({**given, **_ELSEWHERE}, path, output)
    if configured.skipped is not None:
        raise ConfigurationError(
            f"Jib makes no image of {path}: {configured.skipped}",
            hint="name the module that the image was made of",
        )
    with output:
        return run_cancellable(
            lambda cancellation: compare(
                image,
                configured,
                path,
                output,
                cancellation,
                explicit=explicit_fields(given),
            ),
            abandon=output.abandon,
            cancellation=configured.cancellation,
        )


def compare(
    location: Location,
    configured: Configured,
    path: Path,
    listener: Listener,
    cancellation: Cancellation,
    *,
    explicit: Collection[str] = (),
) -> Comparison:
    """Pull Jib's image, for all of its platforms, build ours, and compare them.

    ``explicit`` are the fields of the options that the command line has a word on.
    """
    options = configured.options
    with pull(
        location,
        platforms=ALL_PLATFORMS if isinstance(location, RegistryLocation | LayoutLocation) else (),
        options=options,
        listener=_Quieter(listener),
        cancellation=cancellation,
    ) as pulled:
        jib = _one_image(pulled)
        options = _as_it_was_made(options, configured, location, pulled, explicit)
        with assemble(
            options,
            path=configured.path or path,
            read=configured.read,
            listener=listener,
            cancellation=cancellation,
        ) as assembled:
            result = compare_images(
                jib,
                assembled.image,
                has_manifest=_has_manifest(pulled),
                cancellation=cancellation,
            )
            if not result.is_equal:
                _tell_of_base(jib, assembled, listener)
            return result


class _Quieter:
    """Passes events on, but for those that call the image to compare with a base."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def __call__(self, event: Event) -> None:
        if not isinstance(event, BaseResolved):
            self._listener(event)


def _tell_of_base(jib: AnyImage, ours: Assembled, listener: Listener) -> None:
    """Tell where the base is another one: then all that follows from it says little."""
    theirs = images_of(jib)[0].config
    of_base = ours.base.images[0].config.diff_ids
    count = len(of_base)
    steps = [step for step in theirs.history if not step.get("empty_layer")]
    # A base that Jib made has layers of Jib's too: of them a prefix is enough to tell.
    goes_on = any(step.get("author") != "Jib" for step in steps[count:])
    if goes_on or theirs.diff_ids[:count] != of_base:
        listener(
            Warned(
                message=f"Jib's image has another base than {ours.base.name}",
                hint="name the one that Jib took by --from, for example by its digest",
            )
        )


def _as_it_was_made(
    options: BuildOptions,
    configured: Configured,
    location: Location,
    pulled: BaseImages,
    explicit: Collection[str],
) -> BuildOptions:
    """Return the options with what only the image tells: whose it is, and when "now" was.

    A daemon has been given Docker's format, and like a tar file one platform only.
    """
    image = pulled.images[0]
    if not options.identity.is_jib:
        options = replace(options, identity=identity_of(pulled))
    configuration = configured.configuration
    if configuration and configuration.creation_time == NOW and "created" not in explicit:
        created = image.config.document.get("created")
        if isinstance(created, str):
            options = replace(options, created=Instant.parse(created))
    if isinstance(location, EngineLocation) and "format" not in explicit:
        options = replace(options, format=ImageFormat.DOCKER)
    if len(options.platforms) > 1 and isinstance(location, EngineLocation | ArchiveLocation):
        return replace(options, platforms=(image.platform,))
    return options


def identity_of(pulled: BaseImages) -> Identity:
    """Return which Jib made an image, by the last step of its history.

    Raises ``ConfigurationError`` for an image that no Jib made, or one whose ``created_by`` was
    changed.
    """
    history = pulled.images[0].config.history
    created_by = str(history[-1].get("created_by") or "") if history else ""
    tool, colon, version = created_by.rpartition(":")
    if not colon or history[-1].get("author") != "Jib":
        raise ConfigurationError(
            f"{pulled.name} does not look like an image made by Jib: its last layer was "
            f"created by {created_by or 'nobody who says so'}",
            hint="name an image that jib:build, jib:dockerBuild or jib:buildTar made",
        )
    return Identity.of_jib(version, tool=tool)


def _one_image(pulled: BaseImages) -> AnyImage:
    if pulled.index is not None:
        return ImageIndex(index=pulled.index, images=pulled.images)
    if len(pulled.images) > 1:
        raise ConfigurationError(
            f"{pulled.name} has images for several platforms, and no index that lists them",
            hint="choose one by --platform",
        )
    return pulled.images[0]


def _has_manifest(pulled: BaseImages) -> bool:
    """Tell whether the manifests are those that the image was stored with.

    Where there was none, or where layers were plain tars, reading the image made new ones.
    """
    entries = pulled.index.manifests if pulled.index is not None else ()
    known = {pulled.digest, *(entry.digest for entry in entries)}
    return all(image.digest in known for image in pulled.images)


def document(result: Comparison) -> Json:
    """Return a comparison as JSON; ``manifestCompared`` tells whether Jib's was there."""
    return {
        "equal": result.is_equal,
        "manifestCompared": result.has_manifest,
        "jib": {
            "imageDigest": str(result.jib_digest) if result.jib_digest else None,
            "imageId": str(result.jib_image_id),
        },
        "ours": {"imageDigest": str(result.our_digest), "imageId": str(result.our_image_id)},
        "differences": [
            {
                "level": difference.level.value,
                "place": difference.place,
                "jib": difference.jib,
                "ours": difference.ours,
            }
            for difference in result.differences
        ],
    }


def _lines(result: Comparison) -> Iterator[str]:
    if result.is_equal:
        digest = f"{result.our_digest}, " if result.has_manifest else ""
        yield f"equal: {digest}image ID {result.our_image_id}"
    else:
        yield "different"
    if not result.has_manifest:
        yield "not compared: manifest and compressed layers, which this kind of image lacks"
    for difference in result.differences:
        yield from _difference(difference)


def _difference(difference: Difference) -> Iterator[str]:
    yield visible(f"{difference.level:9} {difference.place}")
    for side, value in (("jib", difference.jib), ("ours", difference.ours)):
        yield visible(f"  {side:7} {_shortened(value)}")


_LONGEST = 300


def _shortened(value: str | None) -> str:
    if value is None:
        return "(nothing)"
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
