"""``pyjib jar`` and ``pyjib war``: jib-cli's commands by its own flags."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from pyjib.cli import jib_cli_options as flags
from pyjib.cli.build import build_and_tell
from pyjib.cli.environment import read_host
from pyjib.cli.jib_cli_command import JibCliCommand
from pyjib.cli.jib_cli_logins import login_warnings, registry_options
from pyjib.cli.jib_options import IdentityChoice, warn_of_unknown_version
from pyjib.cli.options import NamedPath
from pyjib.cli.output import open_output
from pyjib.cli.read_options import joined
from pyjib.cli.render import Output
from pyjib.cli.result_files import check_writable
from pyjib.configure import Configured
from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.jib.global_config import read_global_config
from pyjib.oci.identity import JIB_CLI, NEWEST_JIB_CLI
from pyjib.oci.instant import EPOCH
from pyjib.oci.location import ArchiveLocation, EngineLocation, Location, RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.options import BuildOptions, Mode
from pyjib.project.app_archive import read_app_archive

_JAR_EXAMPLES = """
# The same image as jib-cli makes of the jar
pyjib jar --target registry.example.com/team/app app.jar

# Packaged, into the local daemon
pyjib jar --mode packaged -t docker://app app.jar

# With pyjib's own layout, which lets layers of libraries be shared
pyjib jar --identity pyjib -t team/app app.jar
"""
_WAR_EXAMPLES = """
# On Jetty
pyjib war --target registry.example.com/team/app app.war

# On Tomcat
pyjib war -t team/app --from tomcat:10 --app-root /usr/local/tomcat/webapps/ROOT app.war
"""


def _file(name: str) -> click.Argument:
    return click.Argument(["file"], type=NamedPath(), metavar=name)


@click.command(
    name="jar",
    cls=JibCliCommand,
    examples=_JAR_EXAMPLES,
    params=[_file("JAR"), *flags.JAR, *flags.SHARED],
)
@click.pass_context
def jar_command(ctx: click.Context, /, file: Path, **given: Any) -> None:
    """Build the image of a jar as jib-cli does, from the flags of `jib jar`.

    The image is jib-cli's, down to its ID, but where that would not work: jars of Spring Boot
    3.2 and newer are started by the launcher that they have; a base for Java after 17 is chosen
    too; and the class that is started counts for that choice beside the first one in the jar.
    """
    _run(ctx, file, given)


@click.command(
    name="war",
    cls=JibCliCommand,
    examples=_WAR_EXAMPLES,
    params=[_file("WAR"), *flags.WAR, *flags.SHARED],
)
@click.pass_context
def war_command(ctx: click.Context, /, file: Path, **given: Any) -> None:
    """Build the image of a war as jib-cli does, from the flags of `jib war`.

    The image is jib-cli's, down to its ID; other than there --from may be docker://, tar:// or
    registry:// too.
    """
    _run(ctx, file, given)


def _run(ctx: click.Context, file: Path, given: dict[str, Any]) -> None:
    started = time.monotonic()
    output = _output(ctx, given)
    choice: IdentityChoice = given["identity"] or IdentityChoice(is_jib=True)
    is_war = ctx.command.name == "war"
    if given["image_metadata_out"] is not None:
        check_writable(given["image_metadata_out"], "--image-metadata-out")
    options = read_global_config(read_host()).added_to(_options(given, choice, is_war=is_war))
    for warning in (*_warnings(given), *warn_of_unknown_version(options.identity)):
        output(warning)
    build_and_tell(
        Configured(
            options=options,
            read=partial(read_app_archive, file, is_war=is_war) if choice.is_jib else None,
        ),
        file,
        output,
        metadata_file=given["image_metadata_out"],
        as_json=given["as_json"],
        started=started,
    )


def _output(ctx: click.Context, given: Mapping[str, Any]) -> Output:
    verbosity = given["verbosity"]
    traces = given["http_trace"] != "off"
    if verbosity == "debug" or given["stacktrace"] or traces:
        ctx.obj.enable_debug()
    console = "plain" if traces else given["console"]
    progress = {"auto": "auto", "rich": "live", "plain": "plain"}[console]
    return open_output(
        progress="none" if verbosity == "warn" else progress,
        quiet=2 if verbosity in ("quiet", "error") else 0,
        debug=ctx.obj.debug,
    )


def _options(given: Mapping[str, Any], choice: IdentityChoice, *, is_war: bool) -> BuildOptions:
    target: Location = given["target"]
    if isinstance(target, ArchiveLocation) and given["name"] is None:
        raise ConfigurationError(
            "Missing option: --name must be specified when using --target=tar://....",
            hint="say what the image is called, for example --name team/app:1.0",
        )
    arguments = joined(given["program_args"])
    # Of a jar jib-cli makes an image that says it has no arguments; of a war it does not.
    says_none = choice.is_jib and not is_war
    return BuildOptions(
        targets=(target,),
        tags=joined(given["additional_tags"]),
        name=given["name"],
        base=given["from"],
        mode=Mode(given["mode"]) if not is_war else Mode.EXPLODED,
        jvm_flags=() if is_war else joined(given["jvm_flags"]),
        entrypoint=joined(given["entrypoint"]) or None,
        arguments=arguments if arguments or says_none else None,
        app_root=given["app_root"] if is_war else None,
        environment=tuple(dict(joined(given["environment_variables"])).items()),
        labels=tuple(dict(joined(given["labels"])).items()),
        ports=joined(given["expose"]),
        volumes=joined(given["volumes"]),
        user=given["user"],
        created=given["creation_time"] or EPOCH,
        format=ImageFormat.DOCKER if given["image_format"] == "Docker" else ImageFormat.OCI,
        identity=choice.identity(None, tool=JIB_CLI, newest=NEWEST_JIB_CLI),
        registry=registry_options(given),
        host=read_host(),
        cache=given["cache"],
    )


def _warnings(given: Mapping[str, Any]) -> Iterator[Warned]:
    if given["entrypoint"] and given.get("jvm_flags"):
        yield Warned(message="--jvm-flags is ignored when --entrypoint is specified")
    if given["name"] is not None and isinstance(given["target"], RegistryLocation | EngineLocation):
        yield Warned(message="--name has no effect: the target has a name of its own")
    if given["serialize"]:
        yield Warned(message="--serialize has no effect")
    yield from login_warnings(given)
    for name in ("base_image_cache", "project_cache"):
        if given[name] is not None:
            yield Warned(
                message=f"--{name.replace('_', '-')} has no effect",
                hint="choose the place of pyjib's one cache with --cache",
            )
