"""Builds container images for Java applications, without Docker, a JVM, Maven or Gradle.

A build reads a project, makes a plan, packs its layers, assembles an image and writes it::

    from pathlib import Path
    import os, pyjib

    options = pyjib.BuildOptions(
        targets=(pyjib.parse_location("registry.example.com/team/app:1.0"),),
        host=pyjib.HostEnvironment.of(os.environ),   # for docker's logins, proxies, the cache
    )
    result = pyjib.build(options, path=Path("my-app"))
    print(result.digest)

``plan`` stops after the second step and touches nothing; ``pull`` opens an image that lies
anywhere; ``validate`` checks every byte of one::

    print([layer.name for layer in pyjib.plan(options, path=Path("my-app")).plan.layers])
    with pyjib.pull(pyjib.parse_location("oci://images/app"), options=options) as found:
        for image in found.images:
            pyjib.validate(image)

Options of the command line are fields of ``BuildOptions``; what a pom or a Gradle file configures
for Jib is for the command line, and ``pyjib.configure`` is what reads it. There is no global state:
builds may run in several threads. Errors are ``PyjibError``, with a ``message``, a ``hint`` or ``None``,
and the command line's ``exit_code``; see ``pyjib.errors``. Progress comes as events to a
``listener``, a function that may be called in several threads at once; see ``pyjib.events``.
A ``Cancellation`` whose ``cancel`` another thread calls ends a build.
"""

from typing import TYPE_CHECKING

from pyjib.build import BuildResult, Planned, build, plan, pull
from pyjib.cancellation import Cancellation
from pyjib.errors import PyjibError
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, Image, ImageIndex
from pyjib.oci.location import Location, parse_location
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions, HostEnvironment

if TYPE_CHECKING:
    from pyjib.image.validate import validate

__version__ = "0.1.0"

__all__ = [
    "AnyImage",
    "BuildOptions",
    "BuildResult",
    "Cancellation",
    "Digest",
    "HostEnvironment",
    "Image",
    "ImageIndex",
    "Location",
    "Planned",
    "Platform",
    "PyjibError",
    "Reference",
    "build",
    "parse_location",
    "plan",
    "pull",
    "validate",
]


def __getattr__(name: str) -> object:
    """Import ``validate`` when somebody asks for it: no build does."""
    if name == "validate":
        from pyjib.image.validate import validate  # noqa: PLC0415

        return validate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
