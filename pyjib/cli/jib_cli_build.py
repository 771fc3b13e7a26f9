"""Options of ``pyjib build`` that a build file leaves nothing to do (jib-cli's ``jib build``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyjib.events import Warned

# Of the Java layout, and of Maven: a build file lists what goes where, and no project is read.
_JAVA = ("mode", "main_class", "jvm_flag", "extra_classpath", "expand_classpath", "app_root")
_FILES = ("extra_dir", "extra_include", "extra_exclude", "permission", "file_time")
_MAVEN = ("define", "profile", "maven_scope", "module", "maven_repository")
_PROJECT = ("classpath_file", "jib_execution")
_SHORT = {"define": "-D", "profile": "-P"}


def without_effect(given: Mapping[str, Any]) -> Iterator[Warned]:
    """Yield a warning for every option that is given, by parameter, and does nothing."""
    for parameter in (*_JAVA, *_FILES, *_MAVEN, *_PROJECT):
        if given.get(parameter) not in (None, (), False):
            name = _SHORT.get(parameter, f"--{parameter.replace('_', '-')}")
            yield Warned(
                message=f"{name} has no effect with a build file",
                hint="the file says what is in the image: use entrypoint, layers and properties",
            )
