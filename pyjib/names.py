"""What an image is called where its place has no name: in archives and layouts."""

from __future__ import annotations

import re

from pyjib.errors import InvalidReferenceError
from pyjib.oci.location import EngineLocation, RegistryLocation
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions
from pyjib.project.model import Project


def image_names(options: BuildOptions, project: Project | None) -> tuple[Reference, ...]:
    """Return what the image is called in archives and layouts, the first name being its own.

    That is ``options.name``, else the first target that is a name, else the project's own
    name; with every further tag.
    """
    name = options.name or next(
        (
            target.reference
            for target in options.targets
            if isinstance(target, RegistryLocation | EngineLocation)
        ),
        None,
    )
    first = name or _project_reference(project)
    first = first.with_tag(first.tag or "latest")
    return tuple(dict.fromkeys([first, *(first.with_tag(tag) for tag in options.tags)]))


def _project_reference(project: Project | None) -> Reference:
    name = project.name if project else ""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    try:
        return Reference.parse(words or "application")
    except InvalidReferenceError:
        return Reference.parse("application")
