"""``pyjib jar`` and ``pyjib war``: jib-cli's commands by its own flags."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from pyjib.cli import jib_cli_options as flags
from pyjib.cli.build import build_and_tell
from pyjib.cli.command import Command
from pyjib.cli.environment import read_host, read_password
from pyjib.cli.jib_options import IdentityChoice
from pyjib.cli.output import open_output
from pyjib.cli.render import Output
from pyjib.configure import Configured
from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.oci.identity import JIB_CLI, NEWEST_JIB_CLI
from pyjib.oci.instant import EPOCH
from pyjib.oci.location import ArchiveLocation, Location, RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import BuildOptions, CredentialHelper, Login, Mode, RegistryOptions
from pyjib.project import read_app_archive

_SIDES = ("to", "from")


class JibCliCommand(Command):
    """A command that reads arguments from files, written ``@FILE``, as jib-cli does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the arguments of files in the place of their names."""
        return super().parse_args(ctx, list(_expanded(args)))


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
    return click.Argument(["file"], type=click.Path(path_type=Path), metavar=name)


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
    options = _options(given, choice, is_war=ctx.command.name == "war")
    for warning in _warnings(given):
        output(warning)
    build_and_tell(
        Configured(
            options=options,
            read=partial(read_app_archive, file) if choice.is_jib else None,
        ),
        file,
        output,
        metadata_file=given["image_metadata_out"],
        as_json=given["as_json"],
        started=started,
    )


def _output(ctx: click.Context, given: Mapping[str, Any]) -> Output:
    verbosity = given["verbosity"]
    if verbosity == "debug":
        ctx.obj.enable_debug()
    progress = {"auto": "auto", "rich": "live", "plain": "plain"}[given["console"]]
    return open_output(
        progress="none" if verbosity == "warn" else progress,
        quiet=verbosity in ("quiet", "error"),
        debug=ctx.obj.debug,
    )


def _options(given: Mapping[str, Any], choice: IdentityChoice, *, is_war: bool) -> BuildOptions:
    target: Location = given["target"]
    if isinstance(target, ArchiveLocation) and given["name"] is None:
        raise ConfigurationError(
            "Missing option: --name must be specified when using --target=tar://....",
            hint="say what the image is called, for example --name team/app:1.0",
        )
    arguments = _joined(given["program_args"])
    # Of a jar jib-cli makes an image that says it has no arguments; of a war it does not.
    says_none = choice.is_jib and not is_war
    return BuildOptions(
        targets=(target,),
        tags=_joined(given["additional_tags"]),
        name=given["name"],
        base=given["from"],
        mode=Mode(given["mode"]) if not is_war else Mode.EXPLODED,
        jvm_flags=() if is_war else _joined(given["jvm_flags"]),
        entrypoint=tuple((given["entrypoint"] or "").split()) or None,
        arguments=arguments if arguments or says_none else None,
        app_root=given["app_root"] if is_war else None,
        environment=tuple(dict(_joined(given["environment_variables"])).items()),
        labels=tuple(dict(_joined(given["labels"])).items()),
        ports=_joined(given["expose"]),
        volumes=_joined(given["volumes"]),
        user=given["user"],
        created=given["creation_time"] or EPOCH,
        format=ImageFormat.DOCKER if given["image_format"] == "Docker" else ImageFormat.OCI,
        identity=choice.identity(None, tool=JIB_CLI, newest=NEWEST_JIB_CLI),
        registry=_registry(given),
        host=read_host(),
        cache=given["cache"],
    )


def _registry(given: Mapping[str, Any]) -> RegistryOptions:
    registries = {
        "to": _registry_of(given["target"]),
        "from": _registry_of(given["from"]) if given["from"] else DOCKER_HUB,
    }
    _check_logins(given)
    logins: dict[str, Login] = {}
    helpers: dict[str, CredentialHelper] = {}
    asked: dict[str, str] = {}
    for side in _SIDES:
        registry = registries[side]
        if registry is None:
            continue
        for prefix in ("", f"{side}_"):
            username, helper = given[f"{prefix}username"], given[f"{prefix}credential_helper"]
            if username:
                if prefix not in asked:
                    asked[prefix] = _password(given[f"{prefix}password"], username, registry)
                login = Login(registry=registry, username=username, password=asked[prefix])
                logins.setdefault(registry, login)
            if helper:
                helpers.setdefault(registry, CredentialHelper(registry=registry, program=helper))
    insecure = {registry for registry in registries.values() if registry and registry != DOCKER_HUB}
    return RegistryOptions(
        logins=tuple(logins.values()),
        helpers=tuple(helpers.values()),
        insecure=frozenset(insecure if given["allow_insecure_registries"] else ()),
    )


def _registry_of(location: Location) -> str | None:
    return location.reference.registry if isinstance(location, RegistryLocation) else None


def _check_logins(given: Mapping[str, Any]) -> None:
    """Raise ``ConfigurationError`` for flags that jib-cli does not take together."""
    for prefix in ("", "to_", "from_"):
        has = {word: given[f"{prefix}{word}"] is not None for word in ("username", "password")}
        flag = f"--{prefix.replace('_', '-')}"
        if has["username"] is not has["password"]:
            raise ConfigurationError(
                f"{flag}username and {flag}password belong together",
                hint=f"add {flag}{'password' if has['username'] else 'username'}",
            )
        if has["username"] and given[f"{prefix}credential_helper"] is not None:
            raise ConfigurationError(
                f"{flag}username and {flag}credential-helper exclude each other",
                hint="leave one of them out",
            )
    words = ("username", "credential_helper")
    split = any(given[f"{side}_{word}"] is not None for side in _SIDES for word in words)
    if split and any(given[word] is not None for word in words):
        raise ConfigurationError(
            "a login for both registries and one for either exclude each other",
            hint="give --to-username or --to-credential-helper, and the same with --from",
        )


def _password(given: str, username: str, registry: str) -> str:
    if given != flags.ASK:
        return given
    return read_password(from_stdin=False, prompt=f"Password of {username} at {registry}")


def _warnings(given: Mapping[str, Any]) -> Iterator[Warned]:
    if given["entrypoint"] and given.get("jvm_flags"):
        yield Warned(message="--jvm-flags is ignored when --entrypoint is specified")
    for name in ("base_image_cache", "project_cache"):
        if given[name] is not None:
            yield Warned(
                message=f"--{name.replace('_', '-')} has no effect",
                hint="choose the place of pyjib's one cache with --cache",
            )
    if given["send_credentials_over_http"]:
        yield Warned(
            message="--send-credentials-over-http has no effect",
            hint="logins are sent over plain http to this machine only: give the registry a "
            "certificate",
        )


def _expanded(args: list[str]) -> Iterator[str]:
    for argument in args:
        if argument.startswith("@@"):
            yield argument[1:]
        elif argument.startswith("@") and Path(argument[1:]).is_file():
            yield from _arguments_of(Path(argument[1:]))
        else:
            yield argument


def _arguments_of(path: Path) -> list[str]:
    try:
        return shlex.split(path.read_text(encoding="utf-8"), comments=True)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read the arguments in {path}: {error}") from None


def _joined(lists: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    return tuple(value for values in lists for value in values)
