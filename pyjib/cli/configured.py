"""From the command line and the project's configuration of Jib to what is to be built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyjib.cli import values as parse
from pyjib.cli.environment import read_host
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.jib_options import IdentityChoice, warn_of_unknown_version
from pyjib.cli.reach_values import mirror_warnings
from pyjib.cli.read_options import read_options, with_login
from pyjib.cli.values import NOW
from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import ConfigurationError
from pyjib.events import Listener
from pyjib.jib.to_options import Given, Unnamed
from pyjib.maven_kept import KeptProjects
from pyjib.oci.identity import JIB_CLI, NEWEST_JIB_CLI
from pyjib.project.maven.command_line import Arguments, MavenScope, define, select_profiles
from pyjib.project.maven.model import Repository
from pyjib.store.store import Store
from pyjib.tools import cache_directory

_FIELDS = {
    "to": "targets",
    "tag": "tags",
    "name": "name",
    "from": "base",
    "platform": "platforms",
    "mode": "mode",
    "main_class": "main_class",
    "jvm_flag": "jvm_flags",
    "extra_classpath": "extra_classpath",
    "expand_classpath": "expand_classpath",
    "entrypoint": "entrypoint",
    "arg": "arguments",
    "app_root": "app_root",
    "port": "ports",
    "volume": "volumes",
    "user": "user",
    "workdir": "working_directory",
    "extra_dir": "extra_directories",
    "permission": "permissions",
    "created": "created",
    "file_time": "file_time",
    "format": "format",
}
"""The fields of ``BuildOptions`` that options of the command line set, by parameter."""


def read_configured(
    given: Mapping[str, Any],
    path: Path,
    listener: Listener,
    *,
    log_in: bool = True,
    writes: bool = True,
) -> Configured:
    """Return what is to be built of the project at ``path``, and tell ``listener`` warnings.

    ``given`` are parameters by name. Asks for a password where ``--username`` is given, unless
    nobody is to ``log_in``. Unless it ``writes``, the cache is asked and never told.
    """
    said = _given(given)
    if given["build_file"] is not None:
        configured = _by_build_file(given, path, said)
    else:
        _refuse_parameters(given)
        configured = run_cancellable(
            lambda cancellation: configure(
                path,
                said,
                read_maven_choice(given),
                kept=KeptProjects(Store(cache_directory(said.options)), writes=writes),
                listener=listener,
                cancellation=cancellation,
            )
        )
    of_version = warn_of_unknown_version(configured.options.identity)
    for warning in (*configured.warnings, *of_version, *mirror_warnings(given)):
        listener(warning)
    if log_in:
        return replace(configured, options=with_login(given, configured.options))
    return configured


def explicit_fields(given: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of ``BuildOptions`` that the command line has a word on."""
    return frozenset(
        field
        for parameter, field in _FIELDS.items()
        if given.get(parameter) not in (None, (), False)
    )


def _given(given: Mapping[str, Any]) -> Given:
    choice: IdentityChoice | None = given["identity"]
    return Given(
        options=read_options(given, log_in=False),
        explicit=explicit_fields(given),
        unnamed=tuple(target for target in given["to"] if isinstance(target, Unnamed)),
        identity=choice.identity if choice is not None else None,
        now=parse.read_created(NOW, read_host()),
    )


def read_maven_choice(given: Mapping[str, Any]) -> MavenChoice:
    """Return how Maven would be called."""
    profiles = [select_profiles(text) for text in given["profile"]]
    scope = given["maven_scope"]
    return MavenChoice(
        arguments=Arguments(
            properties=dict(map(define, given["define"])),
            active_profiles=tuple(name for active, _ in profiles for name in active),
            inactive_profiles=tuple(name for _, inactive in profiles for name in inactive),
            offline=bool(given.get("offline")),
        ),
        scope=MavenScope(scope) if scope else MavenScope.REACTOR,
        execution=given["jib_execution"],
        cwd=Path.cwd(),
        module=given.get("module"),
        class_path=given.get("classpath_file"),
        repositories=_repositories(given.get("maven_repository") or ()),
    )


def _repositories(given: Sequence[Repository]) -> tuple[Repository, ...]:
    """Return the repositories of the command line, which need names of their own."""
    names = [repository.id for repository in given]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"--maven-repository: two repositories are called {twice}",
            hint="give each a name: --maven-repository NAME=URL",
        )
    return tuple(given)


def _by_build_file(given: Mapping[str, Any], path: Path, said: Given) -> Configured:
    # Reading YAML takes long to import, and most builds have none.
    from pyjib.cli.jib_cli_build import without_effect  # noqa: PLC0415
    from pyjib.jib.global_config import read_global_config  # noqa: PLC0415
    from pyjib.jib.yaml_file import apply_build_file, read_build_file  # noqa: PLC0415

    if said.unnamed:
        raise ConfigurationError(
            f"{said.unnamed[0]} names no target, and a build file names none",
            hint=f"write a name, for example {said.unnamed[0]}NAME",
        )
    file: Path = given["build_file"]
    choice = given["identity"] or IdentityChoice(is_jib=True)
    listed = read_build_file(file, dict(given["parameter"]), context=str(path))
    options = replace(
        apply_build_file(listed, said.options, explicit=said.explicit),
        identity=choice.identity(None, tool=JIB_CLI, newest=NEWEST_JIB_CLI),
    )
    options = read_global_config(options.host).added_to(options)
    warnings = (*listed.warnings, *without_effect(given))
    return Configured(options=options, source=str(file), warnings=warnings)


def _refuse_parameters(given: Mapping[str, Any]) -> None:
    if given["parameter"]:
        raise ConfigurationError(
            "--parameter is for build files", hint="name one with --build-file jib.yaml"
        )
