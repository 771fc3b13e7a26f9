"""What every plan has, whatever its layers come from: platforms, format and recipe."""

from __future__ import annotations

from pyjib.errors import ConfigurationError
from pyjib.oci.location import LayoutLocation
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.options import BuildOptions
from pyjib.plan.model import LayerRecipe


def make_platforms(options: BuildOptions) -> tuple[Platform, ...]:
    """Return each platform once, in the order given; linux/amd64 if none is."""
    return tuple(dict.fromkeys(options.platforms)) or (LINUX_AMD64,)


def make_format(options: BuildOptions) -> ImageFormat:
    """Return the image's format; raises ``ConfigurationError`` where it has no such layers."""
    is_zstd = options.compression.method is Compression.ZSTD
    if options.format is None:
        # Readers of OCI layouts find no Docker manifests there (skopeo and umoci, for two).
        to_layout = any(isinstance(target, LayoutLocation) for target in options.targets)
        return ImageFormat.OCI if is_zstd or to_layout else ImageFormat.DOCKER
    if is_zstd and options.format is ImageFormat.DOCKER:
        raise ConfigurationError(
            "Docker's image format has no layers compressed by zstd",
            hint="add --format oci, or leave out --compression zstd",
        )
    return options.format


def make_recipe(options: BuildOptions) -> LayerRecipe:
    """Return how layers become bytes; raises ``ConfigurationError`` for a level that is none."""
    method, level = options.compression.method, options.compression.level
    levels = method.levels
    if level is not None and level not in levels:
        raise ConfigurationError(
            f"{method} has no compression level {level}",
            hint=f"use one from {levels[0]} to {levels[-1]}" if levels else "leave it out",
        )
    return LayerRecipe(
        compression=method,
        level=level,
        in_parts=_in_parts(method, options),
        time_records=options.identity.time_records,
        gzip_os=options.identity.gzip_os,
    )


def _in_parts(method: Compression, options: BuildOptions) -> bool:
    # Jib has gzip alone: for what it does not have there are no bytes to be equal to.
    return method is Compression.ZSTD or (
        method is Compression.GZIP and not options.identity.is_jib
    )
