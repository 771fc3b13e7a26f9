"""The sentence: read the project, make a plan, pack its layers, assemble an image, write it.

Everything that a build needs and that has to be closed afterwards is in ``Tools``; everything
that decides the image is in the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyjib.base import BaseImages, pull_base
from pyjib.cancellation import Cancellation
from pyjib.destination import Destination, Published, open_destinations
from pyjib.errors import ConfigurationError
from pyjib.events import ImagePublished, Listener, ProjectRead, ignore
from pyjib.image.assemble import assemble_image, assemble_index
from pyjib.image.java import check_java, check_java_name
from pyjib.layer.model import Layer
from pyjib.layer.pack import pack_layers
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, images_of
from pyjib.options import BuildOptions
from pyjib.plan import make_plan, plan_warnings
from pyjib.plan.model import BuildPlan
from pyjib.project import Project, read_extras, read_project
from pyjib.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What stages 1 and 2 made of a path and options."""

    project: Project
    plan: BuildPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build made and where it went.

    ``image`` can be read as long as the store keeps its layers; ``base_digest`` is what the
    base's name led to, ``None`` for ``scratch``.
    """

    image: AnyImage
    plan: BuildPlan
    layers: tuple[Layer, ...]
    published: tuple[Published, ...]
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
    options: BuildOptions, *, path: Path = Path(), listener: Listener = ignore
) -> Planned:
    """Read the project at ``path`` and make its plan; nothing is written or sent.

    Raises ``ProjectError`` and ``ConfigurationError``.
    """
    project = read_project(path, mode=options.mode)
    listener(ProjectRead(kind=project.kind, root=str(path), detail=project.detail))
    extras = read_extras(options.extra_directories, project.root)
    for warning in plan_warnings(project, options):
        listener(warning)
    return Planned(project=project, plan=make_plan(project, options, extras))


def build(
    options: BuildOptions,
    *,
    path: Path = Path(),
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> BuildResult:
    """Build the image of the project at ``path`` once and write it to every target.

    Raises ``PyjibError``; whatever happens, no target has a name whose content is missing, and
    no half-written file stays.
    """
    if not options.targets:
        raise ConfigurationError(
            "nowhere to write the image to",
            hint="name a target, for example --to objectworld/docker-hello or --to tar://app.tar",
        )
    planned = plan(options, path=path, listener=listener)
    check_java_name(planned.plan.base, planned.plan.java_version)
    with Tools.open(options, listener, cancellation or Cancellation()) as tools:
        destinations = open_destinations(options, tools)
        for destination in destinations:
            destination.check()
        base, layers = _materials(planned.plan, options, tools)
        image = _assemble(base, layers, planned.plan)
        published = tuple(_write(destination, image, listener) for destination in destinations)
    return BuildResult(
        image=image,
        plan=planned.plan,
        layers=layers,
        published=published,
        base_name=base.name,
        base_digest=base.digest,
    )


def _materials(
    plan: BuildPlan, options: BuildOptions, tools: Tools
) -> tuple[BaseImages, tuple[Layer, ...]]:
    """Pull the base's metadata while layers are packed: one waits, the other works."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pyjib-base") as pool:
        pulling = pool.submit(_pull, plan, options, tools)
        try:
            layers = pack_layers(
                plan.layers,
                plan.recipe,
                image_format=plan.format,
                store=tools.store,
                listener=tools.listener,
                cancellation=tools.cancellation,
            )
            return pulling.result(), layers
        except BaseException:
            tools.cancellation.cancel()
            raise


def _pull(plan: BuildPlan, options: BuildOptions, tools: Tools) -> BaseImages:
    base = pull_base(plan.base, options.platforms, tools=tools)
    for image in base.images:
        check_java(image, plan)
    return base


def _assemble(base: BaseImages, layers: Sequence[Layer], plan: BuildPlan) -> AnyImage:
    images = [assemble_image(image, layers, plan) for image in base.images]
    return images[0] if len(images) == 1 else assemble_index(images, plan)


def _write(destination: Destination, image: AnyImage, listener: Listener) -> Published:
    published = destination.write(image)
    listener(ImagePublished(destination=published.location, digest=str(published.digest)))
    return published


__all__ = ["BuildResult", "Planned", "build", "images_of", "plan"]
