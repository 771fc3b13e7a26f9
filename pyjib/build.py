"""The sentence: read the project, make a plan, pack its layers, assemble an image, write it.

What not every build comes to is imported when one does: starting is a good part of a build in
which nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pyjib.base import BaseImages, BaseTools, pull_base
from pyjib.cancellation import Cancellation
from pyjib.destination import Destination, DestinationTools, Published, open_destination
from pyjib.errors import (
    CancelledError,
    ConfigurationError,
    OfflineError,
    RegistryError,
    TransportError,
)
from pyjib.events import ImagePublished, Listener, ProjectRead, ignore
from pyjib.frozen import frozen
from pyjib.image.assemble import assemble_image, assemble_index
from pyjib.image.java import check_java, check_java_name
from pyjib.layer.elsewhere import NOWHERE, Elsewhere, SendAhead
from pyjib.layer.known import can_be_recognised
from pyjib.layer.model import Layer
from pyjib.layer.pack import pack_layers
from pyjib.names import image_names
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage
from pyjib.oci.location import Location, RegistryLocation
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.option_types import check_types
from pyjib.options import BuildOptions, LayerIndexMode
from pyjib.plan.make_plan import make_plan
from pyjib.plan.model import BuildPlan
from pyjib.plan.warnings import plan_warnings
from pyjib.project.extras import read_extras
from pyjib.project.model import AppArchive, Project
from pyjib.tools import open_tools

if TYPE_CHECKING:
    from pyjib.layer_index import LayerIndex

Reader: TypeAlias = Callable[[], Project | AppArchive]
"""Reads what is to be built, as jib-cli sees it if that is an ``AppArchive``."""


@frozen
class Planned:
    """What stages 1 and 2 made of a path and options.

    ``project`` is ``None`` where the files are listed, or an archive is laid out as jib-cli does.
    """

    project: Project | None
    plan: BuildPlan


@frozen
class BuildResult:
    """What a build made and where it went.

    ``names`` are what archives and layouts call it. ``base_digest`` is what the base's name
    stood for, ``None`` for ``scratch``. The layers of ``image`` that came from a registry can be
    opened no more once the build has returned, and none where the cache had to be a temporary one.
    """

    image: AnyImage
    plan: BuildPlan
    layers: tuple[Layer, ...]
    published: tuple[Published, ...]
    names: tuple[Reference, ...]
    base_name: str
    base_digest: Digest | None

    @property
    def digest(self) -> Digest:
        """The digest of the manifest, or of the index where there are several platforms."""
        return self.image.digest

    @property
    def image_id(self) -> Digest:
        """The digest of the config, or of the index where there are several platforms."""
        return self.image.image_id


def plan(
    options: BuildOptions,
    *,
    path: Path | str = Path(),
    read: Reader | None = None,
    listener: Listener = ignore,
) -> Planned:
    """Read the project at ``path`` and make its plan; nothing is written or sent.

    ``read`` reads the project instead, where the caller knows more of it than where it lies;
    with ``options.layers`` there is none. Raises ``ProjectError`` and ``ConfigurationError``, and
    ``TypeError`` for options of the wrong type.
    """
    check_types(options)
    path = Path(path)
    if options.layers is not None:
        from pyjib.plan.listed_layers import plan_listed
        from pyjib.project.listed_files import read_listed

        made = plan_listed(options, read_listed(options.layers))
        return Planned(project=None, plan=_transformed(made, options))
    project = read() if read else _read(path, options)
    if isinstance(project, AppArchive):
        from pyjib.plan.jib_cli_layout import plan_archive

        made = plan_archive(project, options)
        return Planned(project=None, plan=_transformed(made, options))
    listener(ProjectRead(kind=project.kind, root=str(path), detail=project.detail))
    extras = read_extras(options.extra_directories, path)
    for warning in (*project.warnings, *plan_warnings(project, options, extras)):
        listener(warning)
    made = make_plan(project, options, extras)
    return Planned(project=project, plan=_transformed(made, options))


def _read(path: Path, options: BuildOptions) -> Project:
    from pyjib.project.read import read_project

    return read_project(path, mode=options.mode, host=options.host)


def _transformed(made: BuildPlan, options: BuildOptions) -> BuildPlan:
    steps = options.transformations
    if not steps:
        return made
    from pyjib.plan.transform import transform
    from pyjib.project.transformation_files import read_transformation_files

    return transform(made, steps, read_transformation_files(steps))


def build(
    options: BuildOptions,
    *,
    path: Path | str = Path(),
    read: Reader | None = None,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> BuildResult:
    """Build the image of the project at ``path`` once and write it to every target.

    ``read`` is as for ``plan``. Raises ``PyjibError``, and ``TypeError`` as ``plan`` does; whatever
    happens, no target has a name whose content is missing, and no half-written file stays.
    """
    if not options.targets:
        raise ConfigurationError(
            "nowhere to write the image to",
            hint="name a target, for example --to objectworld/docker-hello or --to tar://app.tar",
        )
    planned = plan(options, path=path, read=read, listener=listener)
    check_java_name(planned.plan.base, planned.plan.java_version)
    with ExitStack() as opened:
        tools = opened.enter_context(
            open_tools(options, listener=listener, cancellation=cancellation)
        )
        destinations = _open_destinations(options, planned.project, tools)
        with _pulling(planned.plan, options.platforms, tools) as base:
            found = [destination.check() for destination in destinations]
            index = opened.enter_context(_layer_index(options, planned.plan, found, tools))
            ahead = _send_ahead(options, found, tools)
            made = _make(planned.plan, base, tools, Elsewhere(known=index, send_ahead=ahead))
        published = tuple(_write(each, made.image, listener) for each in destinations)
        if index is not None:
            index.add(made.layers, made.image.digest)
    return BuildResult(
        image=made.image,
        plan=planned.plan,
        layers=made.layers,
        published=published,
        names=image_names(options, planned.project),
        base_name=made.base.name,
        base_digest=made.base.digest,
    )


@frozen
class Assembled:
    """An image that was built and not written: ``base`` and ``layers`` are what it is made of."""

    image: AnyImage
    plan: BuildPlan
    base: BaseImages
    layers: tuple[Layer, ...]


@contextmanager
def assemble(
    options: BuildOptions,
    *,
    path: Path | str = Path(),
    read: Reader | None = None,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> Iterator[Assembled]:
    """Build the image of the project at ``path`` and write it nowhere, whatever the targets.

    Its layers can be read until the context ends. Raises ``PyjibError``.
    """
    planned = plan(options, path=path, read=read, listener=listener)
    check_java_name(planned.plan.base, planned.plan.java_version)
    with open_tools(options, listener=listener, cancellation=cancellation) as tools:
        with _pulling(planned.plan, options.platforms, tools) as base:
            made = _make(planned.plan, base, tools)
        yield made


@contextmanager
def pull(
    location: Location,
    *,
    platforms: Sequence[Platform] = (),
    options: BuildOptions | None = None,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> Iterator[BaseImages]:
    """Open the images at ``location``; their layers can be read until the context ends.

    Of ``options`` only what tells how to reach registries, daemons and the cache matters.
    """
    options = options or BuildOptions()
    with open_tools(options, listener=listener, cancellation=cancellation) as tools:
        yield pull_base(location, platforms, tools=tools)


def _open_destinations(
    options: BuildOptions, project: Project | None, tools: BaseTools
) -> tuple[Destination, ...]:
    destination_tools = DestinationTools(
        registry=tools.registry,
        engine=tools.engine,
        jobs=options.registry.jobs,
        listener=tools.listener,
        cancellation=tools.cancellation,
    )
    names = image_names(options, project)
    return tuple(
        open_destination(target, tags=options.tags, names=names, tools=destination_tools)
        for target in options.targets
    )


def _layer_index(
    options: BuildOptions, plan: BuildPlan, found: Sequence[Descriptor | None], tools: BaseTools
) -> AbstractContextManager[LayerIndex | None]:
    """Return what knows of layers in the first registry; targets' names lead to ``found``."""
    if options.layer_index is LayerIndexMode.OFF or not can_be_recognised(plan.recipe):
        return nullcontext()
    for target, descriptor in zip(options.targets, found, strict=True):
        if isinstance(target, RegistryLocation):
            from pyjib.layer_index import open_layer_index

            return open_layer_index(
                options,
                [target.reference, *map(target.reference.with_tag, options.tags)],
                descriptor,
                plan=plan,
                client=tools.registry,
                store=tools.store,
                listener=tools.listener,
                cancellation=tools.cancellation,
            )
    return nullcontext()


def _send_ahead(
    options: BuildOptions, found: Sequence[Descriptor | None], tools: BaseTools
) -> SendAhead | None:
    """Return what takes layers while they are packed: the first registry, if it lacks the image.

    Whether it is worth the try is for the client to find out, once there is a layer to pack.
    """
    for target, descriptor in zip(options.targets, found, strict=True):
        if isinstance(target, RegistryLocation) and descriptor is None:
            return partial(tools.registry.blob_stream, target.reference)
    return None


@contextmanager
def _pulling(
    plan: BuildPlan, platforms: Sequence[Platform], tools: BaseTools
) -> Iterator[Callable[[], BaseImages]]:
    """Pull the base's metadata in a thread: one waits for the network, the other works.

    Without a base there is no image: its failure ends what else is done meanwhile, and is raised.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pyjib-base") as pool:
        pulling = pool.submit(_pull, plan, platforms, tools)
        try:
            yield pulling.result
        except CancelledError:
            pulling.result()
            raise
        except BaseException:
            tools.cancellation.cancel()
            raise


def _pull(plan: BuildPlan, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:
    try:
        base = pull_base(plan.base, platforms, tools=tools)
        for image in base.images:
            check_java(image, plan)
    except BaseException as error:
        tools.cancellation.cancel()
        if isinstance(error, TransportError | RegistryError) and not isinstance(
            error, OfflineError
        ):  # many have not named it themselves
            about = "this is the base image: name another with --from, or a mirror of its "
            about += "registry with --mirror (of pyjib build)"
            error.advise(f"{error.hint}; {about}" if error.hint else about)
        raise
    return base


def _make(
    plan: BuildPlan,
    pulled: Callable[[], BaseImages],
    tools: BaseTools,
    elsewhere: Elsewhere = NOWHERE,
) -> Assembled:
    layers = pack_layers(
        plan.layers,
        plan.recipe,
        image_format=plan.format,
        store=tools.store,
        listener=tools.listener,
        cancellation=tools.cancellation,
        elsewhere=elsewhere,
    )
    base = pulled()
    images = [assemble_image(image, layers, plan) for image in base.images]
    image = images[0] if len(images) == 1 else assemble_index(images, plan)
    return Assembled(image=image, plan=plan, base=base, layers=layers)


def _write(destination: Destination, image: AnyImage, listener: Listener) -> Published:
    published = destination.write(image)
    listener(ImagePublished(destination=published.location, digest=str(published.digest)))
    return published
