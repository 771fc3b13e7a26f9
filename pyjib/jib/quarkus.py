"""The tree that Jib's Quarkus extensions put into the image (``jib-plugins-and-cli`` §7)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.jib.configuration import JibExtension
from pyjib.options import UseQuarkusTree

_FAST_DIRECTORIES = ("lib/main", "lib/boot", "app", "quarkus")


def quarkus_tree(
    extension: JibExtension,
    *,
    build_directory: Path,
    name: str,
    app_root: str,
    jvm_flags: tuple[str, ...],
    file: Path,
) -> UseQuarkusTree:
    """Return what the extension puts in the place of classes and libraries.

    ``name`` is the jar's without its suffix, ``file`` what configures the extension. Raises
    ``ConfigurationError`` for a ``packageType`` that it does not know.
    """
    package_type = dict(extension.properties).get("packageType", "legacy-jar")
    if package_type not in ("legacy-jar", "fast-jar"):
        raise ConfigurationError(
            f"Unknown packageType {package_type!r}, possible values: legacy-jar, fast-jar",
            hint=f"correct it in {file}",
        )
    tree = UseQuarkusTree(
        build_directory=build_directory,
        runner=build_directory / f"{name}-runner.jar",
        runner_target="app.jar",
        directories=(build_directory / "lib",),
        app_root=app_root,
        jvm_flags=jvm_flags,
    )
    if package_type == "legacy-jar":
        return tree
    fast = build_directory / "quarkus-app"
    return replace(
        tree,
        runner=fast / "quarkus-run.jar",
        runner_target="quarkus-app/quarkus-run.jar",
        directories=tuple(fast.joinpath(name) for name in _FAST_DIRECTORIES),
    )
