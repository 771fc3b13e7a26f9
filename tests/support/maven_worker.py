"""A process that resolves a project's libraries: ``PROJECT HOME REPOSITORY-URL``."""

from __future__ import annotations

import sys
from pathlib import Path

from pyjib.configure import MavenChoice, configure
from pyjib.jib.to_options import Given
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.remote import parse_repository

if __name__ == "__main__":
    project, home, url = sys.argv[1:]
    options = BuildOptions(host=HostEnvironment.of({}, Path(home)))
    choice = MavenChoice(repositories=(parse_repository(url),))
    configured = configure(Path(project), Given(options=options), choice)
    assert configured.read is not None
    configured.read()
