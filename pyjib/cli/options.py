"""What ``build`` and ``plan`` can be asked, and options that several commands share.

An option whose values cannot hold a comma takes a comma-separated list too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from pyjib.cli import values as parse
from pyjib.cli.command import Option, named
from pyjib.cli.environment import CACHE_VARIABLE
from pyjib.cli.layer_index_keys import KEY_VARIABLE, parse_key_source
from pyjib.cli.reach_values import parse_client_certificate, parse_mirror
from pyjib.errors import ConfigurationError
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import Mode

if TYPE_CHECKING:
    _ParamType: TypeAlias = click.ParamType[object]
else:  # older versions of click do not take a parameter here
    _ParamType = click.ParamType


class Text(_ParamType):
    """A text that is parsed into a value; what is wrong with it is told with the option's name."""

    def __init__(self, name: str, parser: Callable[[str], object]) -> None:
        self.name = name
        self._parser = parser

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse a text; a default is a value already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parser(value)
        except ConfigurationError as error:
            flag = named(param) if param is not None else self.name
            message, hint = error.message, error.hint
            if not value.strip() and "empty" not in f"{message} {hint}":
                message = "it is empty"
            if message == "it is empty":
                hint = parse.left_out(flag, needed=param is not None and param.required)
            if hint is None and ctx is not None:
                hint = f"see `{ctx.command_path} --help`"
            raise ConfigurationError(f"{flag}: {message}", hint=hint) from None


class NamedPath(click.Path):
    """A path that is not empty, as that of a variable that is not set would be."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)  # who reads it tells more than click

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty text, which would be the working directory."""
        if value == "":
            flag = named(param) if param is not None else "the path"
            raise ConfigurationError(f"{flag}: the path is empty", hint=parse.left_out(flag))
        return super().convert(value, param, ctx)


PATH = click.Argument(["path"], type=NamedPath(), default=Path(), metavar="[PATH]")
"""The project: a directory, a jar or a war."""


def _choice(kind: type[ImageFormat | Mode]) -> click.Choice[str]:
    return click.Choice([member.value for member in kind])


_FILE = NamedPath()
_LOCATION = Text("location", parse.parse_image_location)
_INSTANT = Text("time", parse.parse_instant)
_PAIR = Text("pair", parse.parse_pair)
WORD = Text("text", parse.parse_word)
_PORTS = Text("port", lambda text: parse.parse_some(text, "port"))
_PLATFORMS = Text(
    "platform", lambda text: tuple(map(Platform.parse, parse.parse_some(text, "platform")))
)

_IMAGE = "The image"
_BASE = "The base image"
_APPLICATION = "The application"
_CONTAINER = "The container"
_REGISTRIES = "Registries"


def _many(flag: str, section: str, metavar: str, help_text: str, **more: Any) -> Option:
    return Option(flag, section=section, metavar=metavar, help=help_text, multiple=True, **more)


def _one(flag: str, section: str, metavar: str | None, help_text: str, **more: Any) -> Option:
    return Option(flag, section=section, metavar=metavar, help=help_text, **more)


OPTIONS: tuple[Option, ...] = (
    _many(
        "--to",
        _IMAGE,
        "LOCATION",
        "Where to write the image: NAME[:TAG] in a registry, docker://NAME into a Docker or "
        "Podman daemon, tar://FILE, or oci://DIR[:TAG]; directories are made. May be repeated.",
        type=Text("location", parse.parse_target),
    ),
    _many(
        "--tag",
        _IMAGE,
        "TAG",
        "One more tag, for every --to. May be repeated.",
        type=Text("tag", parse.parse_tags),
    ),
    _one(
        "--name",
        _IMAGE,
        "REF",
        "What the image is called in archives and layouts, whose --to has no name for it.",
        type=Text("reference", Reference.parse),
    ),
    _one(
        "--format",
        _IMAGE,
        None,
        "The image's format. Default: docker, but oci for zstd layers and oci:// targets.",
        type=_choice(ImageFormat),
    ),
    _one(
        "--compression",
        _IMAGE,
        "HOW",
        "How layers are compressed: gzip (the default; as Jib does under --identity jib, else "
        "by libdeflate, what seems compressed already left as it is), zstd or none; gzip:1 to "
        "gzip:9 and zstd:1 to zstd:22 choose the level, for everything.",
        type=Text("compression", parse.parse_compression),
    ),
    _one(
        "--layer-index",
        _IMAGE,
        "auto|off|REF",
        "Where to learn which layers the registry of --to has, so that they are not packed again "
        "by a machine whose cache is empty: from the image that is there (auto), from an index "
        "that is kept under a name of its own, or not at all (off, the default). With keys, auto "
        "is an index under the tag pyjib-layer-index.",
        type=Text("layer index", parse.parse_layer_index),
    ),
    _many(
        "--layer-index-key",
        _IMAGE,
        "FILE|KEY",
        "A public key whose owner's entries of the layer index are believed, and no others; turns "
        "--layer-index auto on. The private key, which signs what is packed, is a file here or "
        f"comes in {KEY_VARIABLE}, never as an argument. May be repeated.",
        type=Text("key", parse_key_source),
    ),
    _one(
        "--created",
        _IMAGE,
        "WHEN",
        "When the image says it was created: epoch, now, milliseconds since 1970, or like "
        "2024-05-01T12:00:00Z. Default: SOURCE_DATE_EPOCH if that is set, else epoch.",
        type=Text("time", parse.parse_created),
    ),
    _one(
        "--file-time",
        _IMAGE,
        "WHEN",
        "When files in the image say they were changed, in the same words but now. Default: "
        "one second after the epoch.",
        type=_INSTANT,
    ),
    _one(
        "--from",
        _BASE,
        "LOCATION",
        "The base image, in the words of --to, or scratch. Default: eclipse-temurin:N-jre for "
        "the Java release N that the classes need; jetty for a war.",
        type=_LOCATION,
    ),
    _many(
        "--platform",
        _BASE,
        "OS/ARCH",
        "A platform to build for; several make an index. Default: linux/amd64. May be repeated.",
        type=_PLATFORMS,
    ),
    _one(
        "--mode",
        _APPLICATION,
        None,
        "Whether the application's own code lies in the image as classes or as its jar. "
        "Default: exploded.",
        type=_choice(Mode),
    ),
    _one(
        "--main-class",
        _APPLICATION,
        "CLASS",
        "The class to start. Default: the one that the project states, or the only one that "
        "has a main method.",
        type=WORD,
    ),
    _many("--jvm-flag", _APPLICATION, "FLAG", "A flag for java, as -Xmx512m. May be repeated."),
    _many(
        "--extra-classpath",
        _APPLICATION,
        "PATH",
        "A path in the image that goes before all others on the class path. May be repeated.",
        type=WORD,
    ),
    _one(
        "--expand-classpath",
        _APPLICATION,
        None,
        "Write every jar on the class path instead of libs/* (always so since Java 9).",
        is_flag=True,
    ),
    _one("--app-root", _APPLICATION, "PATH", "Where the application lies. Default: /app."),
    _many(
        "--extra-dir",
        _APPLICATION,
        "DIR[:INTO]",
        "A directory whose content is added to the image, below INTO or the root. May be repeated.",
        type=Text("directory", parse.parse_extra_directory),
    ),
    _many(
        "--extra-include",
        _APPLICATION,
        "GLOB",
        "Of every --extra-dir take only paths that match, relative to it: *.sh, conf/**. May be "
        "repeated.",
        type=WORD,
    ),
    _many(
        "--extra-exclude",
        _APPLICATION,
        "GLOB",
        "Of every --extra-dir leave out paths that match. May be repeated.",
        type=WORD,
    ),
    _many(
        "--permission",
        _APPLICATION,
        "PATH=MODE",
        "The mode of a file of --extra-dir, by its absolute path or glob: /app/*.sh=755. May be "
        "repeated.",
        type=Text("permission", parse.parse_permission),
    ),
    _many(
        "--entrypoint",
        _CONTAINER,
        "WORD",
        "The command to run, one word each time or once as a JSON array; INHERIT alone keeps "
        "the base image's. Default: java with the application.",
    ),
    _many(
        "--arg",
        _CONTAINER,
        "WORD",
        "An argument that follows the entrypoint. May be repeated.",
    ),
    _many(
        "--env",
        _CONTAINER,
        "NAME=VALUE",
        "An environment variable. May be repeated.",
        type=_PAIR,
    ),
    _many("--label", _CONTAINER, "NAME=VALUE", "A label. May be repeated.", type=_PAIR),
    _many(
        "--port",
        _CONTAINER,
        "PORT",
        "A port that the application listens on: 8080, 9000-9010, 53/udp. May be repeated.",
        type=_PORTS,
    ),
    _many("--volume", _CONTAINER, "PATH", "A directory to mount a volume on. May be repeated."),
    _one("--user", _CONTAINER, "USER[:GROUP]", "Who runs it, by names or numbers in the image."),
    _one("--workdir", _CONTAINER, "PATH", "The working directory."),
    _one(
        "--username",
        _REGISTRIES,
        "USER",
        "Log in to the registry of --to as this user, for this build only; `pyjib login` is for "
        "all builds.",
        type=WORD,
    ),
    _one(
        "--password-stdin",
        _REGISTRIES,
        None,
        "Read the password of --username from standard input instead of asking for it.",
        is_flag=True,
    ),
    _one(
        "--auth-file",
        _REGISTRIES,
        "FILE",
        "A file of logins like Docker's config.json, before those of Docker and Podman.",
        type=_FILE,
    ),
    _many(
        "--trust-realm",
        _REGISTRIES,
        "HOST",
        "A host that hands out tokens for registries of another site, and may see the logins to "
        "them. May be repeated.",
        type=Text("host", parse.parse_host),
    ),
    _many(
        "--insecure",
        _REGISTRIES,
        "HOST[:PORT]",
        "A registry to talk to without TLS, or with a certificate that nobody vouches for; "
        "without a port, all that listens on that host. May be repeated.",
        type=Text("host", parse.parse_host),
    ),
    _one(
        "--credentials-over-http",
        _REGISTRIES,
        None,
        "Send logins over plain http too, to registries of --insecure and to what hands out "
        "their tokens, where anybody on the way can read them.",
        is_flag=True,
    ),
    _one(
        "--ca-file",
        _REGISTRIES,
        "FILE",
        "Certificates (PEM) of authorities to trust besides the usual ones.",
        type=_FILE,
    ),
    _many(
        "--client-cert",
        _REGISTRIES,
        "HOST=CERT[,KEY]",
        "A certificate (PEM) to show a registry that wants one, and its key if that is a file of "
        "its own. May be repeated.",
        type=Text("certificate", parse_client_certificate),
    ),
    _many(
        "--mirror",
        _REGISTRIES,
        "HOST=MIRROR",
        "A registry HOST[:PORT][/PATH] to pull from in the place of another, before the mirrors "
        "that Docker, Podman and containerd are set up with. May be repeated; the first goes "
        "first.",
        type=Text("mirror", parse_mirror),
    ),
    _one(
        "--no-mirrors",
        _REGISTRIES,
        None,
        "Pull from registries themselves, and do not read how Docker, Podman and containerd are "
        "set up.",
        is_flag=True,
    ),
    _one(
        "--jobs",
        _REGISTRIES,
        "N",
        "How many blobs move at once, at most. Default: 4.",
        type=Text("number", lambda text: parse.parse_count(text, 1, 64)),
    ),
)

CACHE = Option(
    "--cache",
    metavar="DIR",
    type=_FILE,
    envvar=CACHE_VARIABLE,
    show_envvar=True,
    help="Where packed layers and base images are kept. Default: the user's cache directory.",
)
_REACH = {"auth_file", "trust_realm", "insecure", "credentials_over_http", "ca_file"}
_REACH |= {"client_cert", "mirror", "no_mirrors"}
CONNECTION = tuple(option for option in OPTIONS if option.name in _REACH)
"""The options that tell how registries are reached."""
AUTH_FILE = tuple(option for option in OPTIONS if option.name == "auth_file")
DEBUG = Option(
    "--debug",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, param, value: _debug(ctx, value=value),  # noqa: ARG005  click's signature
    help="Tell every step on stderr, and where in pyjib an error came from.",
)
JSON = Option("--json", "as_json", is_flag=True, help="Write the result as JSON to stdout.")


def _debug(ctx: click.Context, *, value: bool) -> None:
    if value and ctx.obj is not None:
        ctx.obj.enable_debug()
