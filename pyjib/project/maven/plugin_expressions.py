"""Expressions that a plugin finds in its configuration when it runs.

Most are gone by then, replaced in the model. What is left is asked once more, of the finished
project and the session: ``${project.name}`` of a project without one, a property that only now
has its value. What another plugin sets while Maven runs is not to be known; it stays literal.
"""

from __future__ import annotations

from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.model import EffectiveModel
from pyjib.project.maven.session import MavenSession


def plugin_expressions(model: EffectiveModel, session: MavenSession) -> Interpolator:
    """Return what replaces expressions in the texts of a plugin's configuration."""
    basedir = str(model.basedir)
    repository = str(session.local_repository)
    project = {
        "name": model.artifact,
        **model.facts,
        "groupId": model.group,
        "artifactId": model.artifact,
        "version": model.version,
        "packaging": model.packaging,
        "id": f"{model.group}:{model.artifact}:{model.packaging}:{model.version}",
        "basedir": basedir,
        "file": str(model.pom),
        "build.directory": str(model.build_directory),
        "build.outputDirectory": str(model.output_directory),
        "build.finalName": model.final_name,
    }
    known = {f"project.{name}": value for name, value in project.items()}
    known |= {f"pom.{name}": value for name, value in project.items()}
    known |= {
        "basedir": basedir,
        "localRepository": repository,
        "settings.localRepository": repository,
        "session.executionRootDirectory": basedir,
    }
    user, system = session.user_properties, session.system_properties
    return Interpolator(known.get, user.get, system.get, model.properties.get)
