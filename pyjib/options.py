"""All that a caller can ask of a build, as frozen values.

Nothing here reads the environment, the clock or the disk: ``pyjib.cli`` does, and so may a
caller of the library, by ``HostEnvironment.of``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeAlias

from pyjib.frozen import frozen
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.instant import EPOCH, EPOCH_PLUS_SECOND, Instant
from pyjib.oci.location import Location
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference


class Mode(StrEnum):
    """How the project's own code lies in the image."""

    EXPLODED = "exploded"
    PACKAGED = "packaged"


@frozen
class HostEnvironment:
    """The environment variables and home directory that a build may look at.

    Used to find logins, daemons, proxies, Maven's settings and the cache; never part of the
    image. The variables are not shown in ``repr``, for they may hold secrets. ``account_home`` is
    the home directory that the system's accounts name, where that is known: Java, and so Maven,
    goes by it, whatever ``HOME`` says. ``system`` is where the machine's own configuration of
    Docker and Podman lies, ``None`` if that is not to be looked at.
    """

    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    home: Path = Path()
    account_home: Path | None = None
    system: Path | None = None

    @classmethod
    def of(
        cls, variables: Mapping[str, str], home: Path | None = None, system: Path | None = None
    ) -> Self:
        """Take ``os.environ`` or the like; ``home`` defaults to the user's home directory.

        A ``home`` that is given counts for Java too, and leaves the machine's configuration out
        unless ``system`` is given as well.
        """
        return cls(
            variables=MappingProxyType(dict(variables)),
            home=Path.home() if home is None else home,
            account_home=_account_home() if home is None else None,
            system=_system(variables) if home is None and system is None else system,
        )

    @property
    def user_home(self) -> Path:
        """What Java calls ``user.home``."""
        return self.account_home or self.home

    def get(self, name: str) -> str | None:
        """Return a variable; one that is set to nothing counts as not set."""
        return self.variables.get(name) or None


def _system(variables: Mapping[str, str]) -> Path:
    shared = variables.get("ProgramData") or variables.get("PROGRAMDATA")
    return Path(shared) if os.name == "nt" and shared else Path("/etc")


def _account_home() -> Path | None:
    try:
        import pwd  # noqa: PLC0415  Windows has none
    except ImportError:
        return None
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (KeyError, AttributeError):
        return None  # a user without an account, as in many a container


@frozen
class Login:
    """A user name and password that the caller gives for one registry host.

    ``source`` is where it was set, in words for messages: ``--username``, an element of a pom.
    """

    registry: str
    username: str
    password: str = field(repr=False)
    source: str = field(default="", compare=False)


@frozen
class CredentialHelper:
    """A program to ask for the login to one registry host.

    ``program`` is what follows ``docker-credential-`` in its name, or its path if there is a
    slash in it. ``environment`` goes over the host's variables; it is not shown in ``repr``.
    ``source`` is what names it, in words for messages: an option, an element of a pom.
    """

    registry: str
    program: str
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    source: str = field(default="", compare=False)


@frozen
class Mirror:
    """A registry, or a part of one, that stands in for another when images are pulled.

    ``location`` is ``HOST[:PORT][/PATH]``; what follows the host in an image's name comes after
    it. ``source`` is the option or the file that names it, for messages.
    """

    registry: str
    location: str
    source: str = field(default="--mirror", compare=False)


@frozen
class ClientCertificate:
    """A certificate (PEM) to show one registry host; ``key`` is its own file if it has one."""

    registry: str
    certificate: Path
    key: Path | None = None


@frozen
class RegistryOptions:
    """How registries are talked to.

    ``helpers`` are asked where none of ``logins`` fits, then ``auth_file``, of the shape of
    Docker's ``config.json``, then the machine's own sources. ``trusted_realms`` are hosts that
    hand out tokens for registries of other sites and may see their logins. ``insecure`` lists hosts
    (``HOST[:PORT]``, all ports of a host without one) that may be spoken to over plain HTTP or
    with a certificate that nobody vouches for; loopback hosts always may over HTTP. Logins go
    over plain HTTP to loopback only, or with ``credentials_over_http`` to any that may be spoken
    to so. ``mirrors`` are asked before those that the machine is set up with; without
    ``use_mirrors`` none is. ``offline`` asks nothing of other machines: a base is what the cache
    holds of it. ``jobs`` bounds the transfers under way at once; ``attempts`` the tries of one
    request.
    """

    logins: tuple[Login, ...] = ()
    helpers: tuple[CredentialHelper, ...] = ()
    auth_file: Path | None = None
    trusted_realms: frozenset[str] = frozenset()
    insecure: frozenset[str] = frozenset()
    credentials_over_http: bool = False
    ca_file: Path | None = None
    client_certificates: tuple[ClientCertificate, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    use_mirrors: bool = True
    offline: bool = False
    jobs: int = 4
    attempts: int = 5

    def lists_insecure(self, host: str, port: int) -> bool:
        """Tell whether ``insecure`` names a host, on this port or on all."""
        listed = {name.lower() for name in self.insecure}
        return host.lower() in listed or f"{host.lower()}:{port}" in listed


@frozen
class EngineProgram:
    """A program with the commands of ``docker``, by which a daemon is talked to.

    ``environment`` goes over the host's variables; it is not shown in ``repr``.
    """

    executable: Path
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@frozen
class ExtraDirectory:
    """A directory whose content is added to the image below ``into``.

    ``includes`` and ``excludes`` are Java globs on paths relative to ``source``; each path is
    asked on its own, directories too.
    """

    source: Path
    into: str = "/"
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@frozen
class Permission:
    """A mode (0 to 0o777) for an absolute path in extra directories, or a glob of such paths."""

    pattern: str
    mode: int


@frozen
class FileProperties:
    """What listed files get in the image; ``None`` leaves it to what is said further out.

    Modes are 0 to 0o777. ``user`` and ``group`` are names or numbers in the image.
    """

    file_mode: int | None = None
    directory_mode: int | None = None
    user: str | None = None
    group: str | None = None
    time: Instant | None = None

    def over(self, outer: FileProperties) -> FileProperties:
        """Return these properties, with those that are not said taken from ``outer``."""
        return FileProperties(
            file_mode=outer.file_mode if self.file_mode is None else self.file_mode,
            directory_mode=(
                outer.directory_mode if self.directory_mode is None else self.directory_mode
            ),
            user=outer.user if self.user is None else self.user,
            group=outer.group if self.group is None else self.group,
            time=outer.time if self.time is None else self.time,
        )


@frozen
class ListedCopy:
    """A file, or the content of a directory, that goes to ``target``.

    A file is renamed to ``target`` unless that ends in a slash. ``includes`` and ``excludes``
    are Java globs on a whole path: ``shown``, then what follows within a directory.
    """

    source: Path
    shown: str
    target: str
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    properties: FileProperties = field(default_factory=FileProperties)


@frozen
class ListedLayer:
    """A layer whose files the caller lists himself."""

    name: str
    copies: tuple[ListedCopy, ...]


@frozen
class FilterLayers:
    """Move files to new layers, or leave them out: pairs of a Java glob and a layer's name.

    The last glob that matches a container path decides; an empty name leaves the file out.
    """

    filters: tuple[tuple[str, str], ...] = ()


@frozen
class SetOwnership:
    """Give files to others: pairs of a Java glob and ``user[:group]``; the last match decides."""

    rules: tuple[tuple[str, str], ...]


@frozen
class DropDevtools:
    """Leave Spring Boot's developer tools out of the dependencies."""


@frozen
class UseNativeImage:
    """Put GraalVM's executable in the place of classes and libraries.

    ``name`` is its path below ``app_root``; ``sets_entrypoint`` tells whether it is started,
    whatever the entrypoint was.
    """

    executable: Path
    name: str
    app_root: str
    sets_entrypoint: bool = True


@frozen
class UseQuarkusTree:
    """Put the tree that Quarkus prepared in the place of classes and libraries.

    ``runner`` is the jar that starts it; each of ``directories`` is laid out, without what is
    in its subdirectories, at the same place below ``app_root`` as below ``build_directory``.
    ``module_files`` are the names of jars of the same reactor.
    """

    build_directory: Path
    runner: Path
    runner_target: str
    directories: tuple[Path, ...]
    app_root: str
    jvm_flags: tuple[str, ...] = ()
    module_files: frozenset[str] = frozenset()


Transformation: TypeAlias = (
    FilterLayers | SetOwnership | DropDevtools | UseNativeImage | UseQuarkusTree
)
"""A change to the finished plan: what Jib's own extensions do."""


@frozen
class CompressionChoice:
    """How layers are compressed; ``level`` ``None`` is the method's default."""

    method: Compression = Compression.GZIP
    level: int | None = None


class LayerIndexMode(StrEnum):
    """Whether layers that a registry has are looked for before they are packed.

    ``AUTO`` looks at the image that the target names at present. Without keys it is for registries
    whose writers are trusted (docs/adr/009-layer-index.md), and so not the default.
    """

    AUTO = "auto"
    OFF = "off"


@frozen
class LayerIndexKeys:
    """Keys of a signed index of layers: raw Ed25519 keys of 32 bytes (RFC 8032 §5.1.5).

    What one of the ``public`` keys has signed is believed, and what the ``private`` one has; with
    that, layers that are packed are signed. It is not shown in ``repr``.
    """

    public: tuple[bytes, ...] = ()
    private: bytes | None = field(default=None, repr=False)


@frozen
class BuildOptions:
    """What to build, from what, and where to put it.

    ``base`` ``None`` is Eclipse Temurin's JRE for the project's Java. ``platforms`` empty is
    linux/amd64. ``name`` names the image in archives, daemons and layouts where ``targets``
    does not. ``entrypoint`` ``("INHERIT",)`` keeps the base's; ``None`` is worked out from the
    project. ``arguments`` ``None`` gives none (and inherits together with the entrypoint).
    ``format`` ``None`` is Docker's, or OCI's where layers are compressed by zstd, for which
    Docker's format has no media type, and where a target is a layout, whose readers look for
    OCI's. ``cache`` ``None`` is the user's cache directory.

    ``layers`` stand for a project: then there is none to be read, and ``mode``, ``main_class``
    and the like have no meaning; ``base`` ``None`` is then ``scratch``. ``transformations`` are
    done to the finished plan, in their order. ``engine_program`` ``None`` means that daemons are
    talked to by their socket. ``layer_index`` is a mode, or the name of an index that is kept in
    a registry. With ``layer_index_keys`` an index is signed, and ``AUTO`` keeps it beside the
    image, under a tag of its own.
    """

    targets: tuple[Location, ...] = ()
    tags: tuple[str, ...] = ()
    name: Reference | None = None
    base: Location | None = None
    platforms: tuple[Platform, ...] = ()
    mode: Mode = Mode.EXPLODED
    main_class: str | None = None
    jvm_flags: tuple[str, ...] = ()
    extra_classpath: tuple[str, ...] = ()
    expand_classpath: bool = False
    entrypoint: tuple[str, ...] | None = None
    arguments: tuple[str, ...] | None = None
    app_root: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    user: str | None = None
    working_directory: str | None = None
    extra_directories: tuple[ExtraDirectory, ...] = ()
    permissions: tuple[Permission, ...] = ()
    created: Instant = EPOCH
    file_time: Instant = EPOCH_PLUS_SECOND
    format: ImageFormat | None = None
    compression: CompressionChoice = field(default_factory=CompressionChoice)
    identity: Identity = PYJIB
    registry: RegistryOptions = field(default_factory=RegistryOptions)
    host: HostEnvironment = field(default_factory=HostEnvironment)
    engine_program: EngineProgram | None = None
    cache: Path | None = None
    layers: tuple[ListedLayer, ...] | None = None
    transformations: tuple[Transformation, ...] = ()
    layer_index: LayerIndexMode | Reference = LayerIndexMode.OFF
    layer_index_keys: LayerIndexKeys | None = None
