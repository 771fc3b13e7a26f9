"""The flags of jib-cli's ``jar`` and ``war``, by its own names (``jib-plugins-and-cli`` §4)."""

from __future__ import annotations

from typing import Any

import click

from pyjib.cli import values as parse
from pyjib.cli.command import Option, say_version
from pyjib.cli.jib_cli_command import split_command, split_list
from pyjib.cli.jib_options import OPTIONS as JIB_OPTIONS
from pyjib.cli.options import CACHE, DEBUG, JSON, NamedPath, Text
from pyjib.jib.values import parse_image_time, parse_path, parse_ports
from pyjib.oci.location import parse_location
from pyjib.oci.reference import Reference, check_tag

ASK = "\0ask"
"""The value of a password that is to be asked for."""

_IMAGE = "The image"
_CONTAINER = "The container"
_APPLICATION = "The application"
_LOGIN = "Logging in"
_OUTPUT = "Output"
_UNUSED = "Taken, and has no effect."
_FILE = NamedPath()
_LIST = Text("list", split_list)
_COMMAND = Text("command", split_command)
_TAGS = Text("tags", lambda text: tuple(map(_tag, split_list(text))))
_PORTS = Text("ports", lambda text: parse_ports(split_list(text), "ports"))
_PATHS = Text("paths", lambda text: tuple(map(_volume, split_list(text))))
_PAIRS = Text("pairs", lambda text: tuple(map(parse.parse_pair, split_list(text))))


def _one(flag: str, section: str, metavar: str | None, text: str, **more: Any) -> Option:
    names = flag.split()
    return Option(*names, section=section, metavar=metavar, help=text, **more)


def _list(flag: str, section: str, metavar: str, text: str, kind: Text = _LIST) -> Option:
    return _one(
        flag, section, metavar, f"{text}, by commas. May be repeated.", type=kind, multiple=True
    )


def _password(flag: str, text: str) -> Option:
    return _one(
        flag,
        _LOGIN,
        "PASSWORD",
        f"{text}; asked for if no value follows, which keeps it out of the list of processes.",
        is_flag=False,
        flag_value=ASK,
    )


def _tag(text: str) -> str:
    check_tag(text)
    return text


def _volume(text: str) -> str:
    return parse_path(text, "the volume")


TARGETS = (
    _one(
        "--target -t",
        _IMAGE,
        "LOCATION",
        "Where to write the image: NAME or registry://NAME, docker://NAME, tar://FILE.",
        type=Text("location", parse_location),
        required=True,
    ),
    _one(
        "--name",
        _IMAGE,
        "REF",
        "What the image is called in an archive; required with tar://.",
        type=Text("reference", Reference.parse),
    ),
    _list("--additional-tags", _IMAGE, "TAGS", "More tags for the target", _TAGS),
    _one(
        "--image-format",
        _IMAGE,
        None,
        "The image's format. Default: Docker.",
        type=click.Choice(["Docker", "OCI"]),
        default="Docker",
    ),
    _one(
        "--creation-time",
        _IMAGE,
        "WHEN",
        "When the image says it was created: milliseconds since 1970, or like "
        "2024-05-01T12:00:00Z. Default: the epoch.",
        type=Text("time", lambda text: parse_image_time(text, "creationTime")),
    ),
)
CONTAINER = (
    _one(
        "--from",
        _CONTAINER,
        "LOCATION",
        "The base image, in the words of --target.",
        type=Text("location", parse_location),
    ),
    _one(
        "--entrypoint",
        _CONTAINER,
        "COMMAND",
        "The command to run; white space divides it, but within double quotes. May be repeated.",
        type=_COMMAND,
        multiple=True,
    ),
    _list("--program-args", _CONTAINER, "ARGS", "Arguments that follow the entrypoint"),
    _list("--expose", _CONTAINER, "PORTS", "Ports: 8080, 9000-9010, 53/udp", _PORTS),
    _list("--volumes", _CONTAINER, "PATHS", "Directories to mount volumes on", _PATHS),
    _list(
        "--environment-variables",
        _CONTAINER,
        "NAME=VALUE",
        "Environment variables",
        _PAIRS,
    ),
    _list("--labels", _CONTAINER, "NAME=VALUE", "Labels", _PAIRS),
    _one("--user -u", _CONTAINER, "USER[:GROUP]", "Who runs it."),
)
JAR = (
    _one(
        "--mode",
        _APPLICATION,
        None,
        "Whether the jar is unpacked in the image. Default: exploded.",
        type=click.Choice(["exploded", "packaged"]),
        default="exploded",
    ),
    _list("--jvm-flags", _APPLICATION, "FLAGS", "Flags for java"),
)
WAR = (
    _one(
        "--app-root",
        _APPLICATION,
        "PATH",
        "Where the application lies. Default: where Jetty looks; required with another base.",
    ),
)
LOGIN = (
    _one("--username", _LOGIN, "USER", "Log in to both registries as this user."),
    _password("--password", "Its password"),
    _one(
        "--credential-helper",
        _LOGIN,
        "HELPER",
        "Ask this helper for both logins: its path, or what follows docker-credential-.",
    ),
    _one("--to-username", _LOGIN, "USER", "Log in to the registry of the target as this user."),
    _password("--to-password", "Its password"),
    _one("--to-credential-helper", _LOGIN, "HELPER", "Ask this helper for that login."),
    _one("--from-username", _LOGIN, "USER", "Log in to the registry of the base as this user."),
    _password("--from-password", "Its password"),
    _one("--from-credential-helper", _LOGIN, "HELPER", "Ask this helper for that login."),
    _one(
        "--allow-insecure-registries",
        _LOGIN,
        None,
        "Talk to registries without TLS, or with certificates that nobody vouches for.",
        is_flag=True,
    ),
    _one(
        "--send-credentials-over-http",
        _LOGIN,
        None,
        "Send logins to such registries over plain http too.",
        is_flag=True,
    ),
)
OUTPUT = (
    _one(
        "--verbosity",
        _OUTPUT,
        None,
        "How much is told on stderr. Default: lifecycle.",
        type=click.Choice(["quiet", "error", "warn", "lifecycle", "info", "debug"]),
        default="lifecycle",
    ),
    _one(
        "--console",
        _OUTPUT,
        None,
        "How progress is shown: rich is live, plain are lines. Default: auto.",
        type=click.Choice(["auto", "rich", "plain"]),
        default="auto",
    ),
    _one(
        "--image-metadata-out",
        _OUTPUT,
        "FILE",
        "Write image, imageId, imageDigest, tags and imagePushed into a file, as JSON.",
        type=_FILE,
    ),
    _one(
        "--base-image-cache", _OUTPUT, "DIR", "Taken, and has no effect: see --cache.", type=_FILE
    ),
    _one("--project-cache", _OUTPUT, "DIR", "Taken, and has no effect: see --cache.", type=_FILE),
    Option("--serialize", hidden=True, is_flag=True, help=_UNUSED),
    Option("--stacktrace", hidden=True, is_flag=True, help="The same as --debug."),
    Option(
        "--http-trace",
        hidden=True,
        is_flag=False,
        flag_value="config",
        default="off",
        type=click.Choice(["off", "config", "all"]),
        help="Other than off the same as --debug --console plain.",
    ),
    Option(
        "-V",
        "--version",
        hidden=True,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=say_version,
        help="Show the version.",
    ),
)
IDENTITY = next(option for option in JIB_OPTIONS if option.name == "identity")
SHARED = (*TARGETS, *CONTAINER, *LOGIN, *OUTPUT, IDENTITY, CACHE, JSON, DEBUG)
