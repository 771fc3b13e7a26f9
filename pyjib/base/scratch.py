"""The base ``scratch``: an image without layers for each platform."""

from __future__ import annotations

from collections.abc import Sequence

from pyjib.base.model import BaseImages, BaseTools
from pyjib.image.assemble import empty_image
from pyjib.oci.location import Scratch
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform


def pull(location: Scratch, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:  # noqa: ARG001  (one signature for all bases)
    """Return one empty image a platform; linux/amd64 where none is asked for."""
    return BaseImages(
        name=str(location),
        digest=None,
        images=tuple(
            empty_image(platform, ImageFormat.DOCKER) for platform in platforms or (LINUX_AMD64,)
        ),
    )
