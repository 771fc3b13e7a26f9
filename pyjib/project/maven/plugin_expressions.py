"""Expressions that a plugin finds in its configuration when it runs, and what they come to.

Most are gone by then, replaced in the model. Those that are left are asked once more, of the
finished project, its parents and the session: ``${project.name}`` of a project without one,
``${project.parent.basedir}``, ``${session.executionRootDirectory}``. What another plugin sets
while Maven runs cannot be known. Specification: ``maven-and-gradle-projects`` §1.5; the rules
are those that Maven 3.8.7 was seen to follow (``tests/support/plugin_texts.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pyjib.patterns import late
from pyjib.project.maven.model import EffectiveModel, Plugin
from pyjib.project.maven.plugin_texts import Evaluated, behind, evaluate
from pyjib.project.maven.session import MavenSession

_PROPERTY = late(r"properties\((.+)\)")
_ABOVE = ("parent", "parentFile")


class PluginExpressions:
    """Evaluates texts for one run of a plugin.

    ``root`` is the directory that Maven is started in. ``parent`` returns the model of a
    project's parent, ``None`` for one that is not beside it.
    """

    def __init__(
        self,
        model: EffectiveModel,
        session: MavenSession,
        plugin: Plugin,
        *,
        root: Path,
        parent: Callable[[EffectiveModel], EffectiveModel | None],
    ) -> None:
        self._model, self._session, self._plugin = model, session, plugin
        self._root, self._parent = root, parent
        self._open: list[str] = []
        self._unknown: list[str] = []

    def __call__(self, text: str) -> Evaluated:
        """Evaluate a text."""
        if "$" not in text:
            return Evaluated(text)
        self._unknown = []
        return Evaluated(evaluate(text, self._value), tuple(dict.fromkeys(self._unknown)))

    def _value(self, expression: str) -> str | None:
        if expression in self._open:  # Maven's stack overflows
            return None
        found = self._magic(expression)
        session = self._session
        for properties in (
            session.user_properties,
            session.system_properties,
            self._model.properties,
        ):
            if found is None:
                found = properties.get(expression)
        start = -1 if found is None else found.find("${")
        if found is not None and start >= 0:
            self._open.append(expression)
            if start:
                found = f"{found[:start]}{behind(found[start:], self._value)}"
            else:
                found = evaluate(found, self._value)
            self._open.pop()
        if found is None:
            self._unknown.append(f"${{{expression}}}")
        return found

    def _magic(self, expression: str) -> str | None:
        """Return what an expression means by its first word; a path may follow behind ``/``."""
        asked, slash, path = expression.partition("/")
        word, _, rest = asked.partition(".")
        if word == "basedir" and not rest:
            found: str | None = str(self._model.basedir)
        elif word.startswith("session"):
            found = self._of_session(rest)
        elif word.startswith(("project", "pom")):
            found = self._of_project(rest, self._model)
        elif asked == "settings.localRepository":
            found = str(self._session.local_repository)
        elif word == "plugin":
            found = self._of_plugin(rest)
        else:
            found = None
        return None if found is None else f"{found}{slash}{path}"

    def _of_session(self, asked: str) -> str | None:
        session = self._session
        known = {
            "executionRootDirectory": self._root,
            "request.baseDirectory": self._root,
            "request.multiModuleProjectDirectory": session.root,
            "localRepository.basedir": session.local_repository,
            "settings.localRepository": session.local_repository,
        }
        if asked in known:
            return str(known[asked])
        word, _, rest = asked.partition(".")
        return self._of_project(rest, self._model) if word == "currentProject" else None

    def _of_plugin(self, asked: str) -> str | None:
        plugin = self._plugin
        known = {
            "groupId": plugin.group,
            "artifactId": plugin.artifact,
            "version": plugin.version,
            "id": f"{plugin.key}:{plugin.version}" if plugin.version else None,
        }
        return known.get(asked)

    def _of_project(self, asked: str, model: EffectiveModel) -> str | None:
        word, _, rest = asked.partition(".")
        if word == "parent" and rest:
            parent = self._parent(model)
            return None if parent is None else self._of_project(rest, parent)
        if word in ("basedir", "file"):
            return _of_path(rest, model.basedir if word == "basedir" else model.pom)
        if word == "artifact":
            return _of_artifact(rest, model)
        if asked == "executionRoot":
            return "true" if model.basedir == self._root else "false"
        mapped = _PROPERTY.fullmatch(asked)
        if mapped is not None:
            return model.properties.get(mapped[1])
        return _fact(asked, model)


def _fact(asked: str, model: EffectiveModel) -> str | None:
    known = {
        "groupId": model.group,
        "artifactId": model.artifact,
        "version": model.version,
        "packaging": model.packaging,
        "modelVersion": "4.0.0",
        "id": f"{model.group}:{model.artifact}:{model.packaging}:{model.version}",
        "build.directory": str(model.build_directory),
        "build.outputDirectory": str(model.output_directory),
        "build.sourceDirectory": str(model.source_directory),
        "build.finalName": model.final_name,
    }
    found = known.get(asked) or model.facts.get(asked)
    return model.artifact if found is None and asked == "name" else found


def _of_artifact(asked: str, model: EffectiveModel) -> str | None:
    known = {
        "groupId": model.group,
        "artifactId": model.artifact,
        "version": model.version,
        "baseVersion": model.version,
        "type": model.packaging,
    }
    if asked in ("", "id"):
        return f"{model.group}:{model.artifact}:{model.packaging}:{model.version}"
    return known.get(asked)


def _of_path(asked: str, path: Path) -> str | None:
    """Return what is asked of a ``java.io.File``."""
    word, _, rest = asked.partition(".")
    if word in _ABOVE:
        return _of_path(rest, path.parent)
    if word in ("", "path", "absolutePath"):
        return str(path) if not rest else None
    return path.name if asked == "name" else None
