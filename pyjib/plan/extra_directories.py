"""Layers of extra directories: which files, where, and with what modes (Jib's rules)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Self

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.oci.instant import Instant
from pyjib.options import ExtraDirectory, Permission
from pyjib.plan.java_glob import compile_glob
from pyjib.plan.model import DIRECTORY_MODE, FILE_MODE, LayerEntry, LayerPlan
from pyjib.plan.paths import absolute_path, join
from pyjib.project.model import ProjectFile

LAYER_NAME = "extra files"


def extra_layers(
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
    permissions: Sequence[Permission],
    file_time: Instant,
) -> tuple[LayerPlan, ...]:
    """Return one layer for each directory, in their order, also where nothing is left in it.

    A file is taken if its path below the directory matches some include, or there are none,
    and no exclude. Directories are asked like files: one that is left out comes back with
    default mode and time if something in it is taken.
    """
    modes = _Modes.of(permissions)
    return tuple(
        LayerPlan.of(
            LAYER_NAME,
            [
                LayerEntry(
                    target=target,
                    source=file.source,
                    mode=modes.of_target(target, is_directory=file.source is None),
                    mtime=file_time,
                )
                for target, file in _chosen(directory, files)
            ],
        )
        for directory, files in extras
    )


def mode_of(
    target: str,
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
    permissions: Sequence[Permission],
) -> int | None:
    """Return the mode of the file at ``target``, ``None`` if no extra directory has it."""
    for extra in extras:
        for found, file in _chosen(*extra):
            if found == target and file.source is not None:
                return _Modes.of(permissions).of_target(target, is_directory=False)
    return None


def unused_permissions(
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
    permissions: Sequence[Permission],
) -> tuple[Permission, ...]:
    """Return the permissions whose pattern is no path in extra directories and matches none."""
    if not permissions:
        return ()
    targets = {target for extra in extras for target, _ in _chosen(*extra)}
    return tuple(
        permission
        for permission in permissions
        if permission.pattern not in targets
        and not any(map(compile_glob(permission.pattern).fullmatch, targets))
    )


def _chosen(
    directory: ExtraDirectory, files: Sequence[ProjectFile]
) -> Iterator[tuple[str, ProjectFile]]:
    into = absolute_path(directory.into, "target of an extra directory", "--extra-dir")
    includes = [compile_glob(glob) for glob in directory.includes]
    excludes = [compile_glob(glob) for glob in directory.excludes]
    for file in files:
        included = not includes or any(glob.fullmatch(file.path) for glob in includes)
        if included and not any(glob.fullmatch(file.path) for glob in excludes):
            yield join(into, file.path), file


@frozen
class _Modes:
    """Modes by container path: an exact path counts first, then globs in their order.

    Of two with one pattern the later counts, at the place of the earlier, as in Jib's map.
    """

    exact: dict[str, int]
    globs: tuple[tuple[re.Pattern[str], int], ...]

    @classmethod
    def of(cls, permissions: Sequence[Permission]) -> Self:
        for permission in permissions:
            if not 0 <= permission.mode <= 0o777:
                raise ConfigurationError(
                    f"the permissions of {permission.pattern} are {permission.mode:o}",
                    hint="write three octal digits, for example --permission /run.sh=755",
                )
        exact = {permission.pattern: permission.mode for permission in permissions}
        globs = tuple((compile_glob(pattern), mode) for pattern, mode in exact.items())
        return cls(exact=exact, globs=globs)

    def of_target(self, target: str, *, is_directory: bool) -> int:
        if target in self.exact:
            return self.exact[target]
        for glob, mode in self.globs:
            if glob.fullmatch(target):
                return mode
        return DIRECTORY_MODE if is_directory else FILE_MODE
