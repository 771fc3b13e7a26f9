"""``pyjib build``."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pyjib.build import BuildResult, build
from pyjib.cli import jib_options
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command, Option
from pyjib.cli.configured import read_configured
from pyjib.cli.environment import read_host
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.layer_index_keys import warn_of_variable
from pyjib.cli.messages import OutputClosedError, check_stdout, json_text, say
from pyjib.cli.render import Level, Line, Output
from pyjib.cli.result_files import (
    check_named_outputs,
    check_writable,
    write_file,
    write_jib_outputs,
)
from pyjib.cli.skaffold_builder import SKAFFOLD, asked_by_skaffold
from pyjib.configure import Configured
from pyjib.destination import Published
from pyjib.errors import ConfigurationError, DestinationError
from pyjib.events import Event, LayerPacked, Listener
from pyjib.oci.image import images_of
from pyjib.oci.json import Json, dump
from pyjib.oci.location import EngineLocation, Location, RegistryLocation
from pyjib.options import BuildOptions
from pyjib.presence import is_file

METADATA = Option(
    "--metadata-file",
    metavar="FILE",
    type=shared.NamedPath(),
    help="Write image, imageId, imageDigest, tags and imagePushed into a file, as JSON.",
)

EXAMPLES = """
# Build the project in this directory and push it to Docker Hub
pyjib build --to objectworld/docker-hello --tag 1.0.0

# Into the local Docker or Podman daemon, and into a file
pyjib build --to docker://docker-hello --to tar://docker-hello.tar

# From a Spring Boot jar, for two platforms, on a base of your choice
pyjib build app.jar --to registry.example.com/team/app \\
    --from eclipse-temurin:21-jre --platform linux/amd64,linux/arm64

# With settings for the JVM and the container
pyjib build --to team/app --jvm-flag -Xmx512m --env TZ=UTC --port 8080 --user 1000

# What mvn jib:build, jib:dockerBuild and jib:buildTar do, by the configuration in the pom
pyjib build
pyjib build --to docker://
pyjib build --to tar:// -Djib.container.user=1000

# By a jib.yaml
pyjib build -b jib.yaml -p version=1.0 --to team/app

# In skaffold.yaml: build: artifacts: custom: buildCommand
pyjib build --skaffold

# In CI: the digest alone on stdout, a password that is never an argument
pyjib build --to team/app --quiet --username ci --password-stdin < token.txt
"""


@click.command(
    cls=Command,
    examples=EXAMPLES,
    params=[
        shared.PATH,
        *shared.OPTIONS,
        *jib_options.OPTIONS,
        shared.CACHE,
        METADATA,
        SKAFFOLD,
        shared.JSON,
        *outputs.OPTIONS,
        outputs.QUIET,
        shared.DEBUG,
    ],
)
@click.pass_context
def build_command(ctx: click.Context, /, path: Path, **given: Any) -> None:
    """Build the image of a Java project and write it to registries, daemons or files.

    PATH is a directory with a compiled project (Maven's target, Gradle's build), a jar or a
    war; the working directory if it is left out. The image is built once, and for each --to
    stdout has a line: its name by digest in a registry, else the place.

    Where the pom configures jib-maven-plugin, its configuration counts for all that is not
    said here: without --to this is what mvn jib:build does, with --to docker:// it is
    jib:dockerBuild, and with --to tar:// jib:buildTar, down to the image ID.
    """
    started = time.monotonic()
    metadata_file: Path | None = given["metadata_file"]
    if metadata_file is not None:
        check_writable(metadata_file, "--metadata-file")
    if given["skaffold"]:
        is_given = ctx.get_parameter_source("path") is not ParameterSource.DEFAULT
        given, path = asked_by_skaffold(given, path if is_given else None, read_host())
    output = outputs.output_of(ctx, given)
    for warning in warn_of_variable(given["layer_index"], given["layer_index_key"], read_host()):
        output(warning)
    configured = read_configured(given, path, output)
    if configured.skipped is not None:
        output.show(Line(verb="skipped", text=configured.skipped, level=Level.WARNINGS))
        return
    if configured.source is not None:
        output.show(Line(verb="config", text=configured.source))
    if not configured.options.targets:
        _look_for_build_file(path)
    build_and_tell(
        configured,
        path,
        output,
        metadata_file=metadata_file,
        as_json=given["as_json"],
        started=started,
    )


def _look_for_build_file(path: Path) -> None:
    """Raise ``ConfigurationError`` if there is a build file, which may be what was meant."""
    file = path / "jib.yaml"
    if is_file(file):
        raise ConfigurationError(
            "nowhere to write the image to",
            hint=f"name a target, for example --to team/app; and {file} counts only where it is "
            f"named: pyjib build -b {file} --to team/app",
        )


def build_and_tell(
    configured: Configured,
    path: Path,
    output: Output,
    *,
    metadata_file: Path | None = None,
    as_json: bool = False,
    started: float,
) -> None:
    """Build, write the files about the image, and tell where it is on stdout.

    ``started`` is when the command began, by ``time.monotonic``.
    """
    options = configured.options
    check_stdout()
    check_named_outputs(configured)
    recorder = _Recorder(output)
    result = _build(configured, path, output, recorder, started)
    try:
        facts = metadata(options, result)
        if metadata_file is not None:
            write_file(metadata_file, dump(facts))
        write_jib_outputs(configured, result, facts, output)
    finally:  # the image is where it was to go, whatever becomes of files about it
        _tell_where(options, result, recorder, as_json=as_json)


def _tell_where(
    options: BuildOptions, result: BuildResult, recorder: _Recorder, *, as_json: bool
) -> None:
    places = [published.location for published in result.published]
    text = "\n".join(places)
    if as_json:
        text = json_text(document(options, result, recorder.cached, recorder.sources))
    hint = f"the image is written all the same: {', '.join(places)}"
    try:
        say(text)
    except OutputClosedError:
        message = "cannot write to standard output: nobody reads it any more"
        raise DestinationError(message, hint=hint) from None
    except DestinationError as error:
        error.advise(hint)
        raise


def _build(
    configured: Configured, path: Path, output: Output, listener: Listener, started: float
) -> BuildResult:
    with output:
        result = run_cancellable(
            lambda cancellation: build(
                configured.options,
                path=configured.path or path,
                read=configured.read,
                listener=listener,
                cancellation=cancellation,
            ),
            notice=lambda text: output.show(Line(verb="cancel", text=text)),
            abandon=output.abandon,
            cancellation=configured.cancellation,
        )
        output.show(Line(verb="done", text=f"in {time.monotonic() - started:.2f} s"))
    return result


class _Recorder:
    """Passes events on, and remembers which layers were not packed anew, and where they are."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self.cached: dict[str, bool] = {}
        self.sources: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, LayerPacked):
            with self._lock:
                self.cached.setdefault(event.digest, event.cached)
                self.sources.setdefault(event.digest, event.source)
        self._listener(event)


def metadata(options: BuildOptions, result: BuildResult) -> Json:
    """Return what Jib writes into its ``imageJson``, of the first target that is a registry.

    If there is none, of the first target. ``tags`` are sorted; the image is named as Jib
    prints it.
    """
    target, published = _main_target(options, result)
    return {
        "image": _name(result, target),
        "imageId": str(result.image_id),
        "imageDigest": str(result.digest),
        "tags": sorted(published.tags),
        "imagePushed": published.pushed,
    }


def document(
    options: BuildOptions,
    result: BuildResult,
    cached: dict[str, bool],
    sources: dict[str, str],
) -> Json:
    """Return all of a result: the members of ``metadata``, then what Jib does not tell.

    ``sources`` are the repositories that have layers which were not packed here.
    """
    return metadata(options, result) | {
        "platforms": [str(image.platform) for image in images_of(result.image)],
        "base": {
            "name": result.base_name,
            "digest": str(result.base_digest) if result.base_digest else None,
        },
        "layers": [
            {
                "name": layer.name,
                "digest": str(layer.blob.descriptor.digest),
                "diffId": str(layer.diff_id),
                "size": layer.blob.descriptor.size,
                "cached": cached.get(str(layer.blob.descriptor.digest), False),
                "source": sources.get(str(layer.blob.descriptor.digest)) or None,
            }
            for layer in result.layers
        ],
        "published": [
            {
                "location": published.location,
                "imageDigest": str(published.digest),
                "imageId": str(published.image_id),
                "tags": sorted(published.tags),
                "imagePushed": published.pushed,
            }
            for published in result.published
        ],
    }


def _main_target(options: BuildOptions, result: BuildResult) -> tuple[Location, Published]:
    pairs = list(zip(options.targets, result.published, strict=True))
    return next((pair for pair in pairs if pair[1].pushed), pairs[0])


def _name(result: BuildResult, target: Location) -> str:
    if isinstance(target, RegistryLocation | EngineLocation):
        return target.reference.familiar.removesuffix(":latest")
    return result.names[0].familiar.removesuffix(":latest")
