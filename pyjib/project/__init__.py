"""Stage 1: from a path on disk to a ``Project``."""

from pyjib.project.extras import read_extras
from pyjib.project.model import Project
from pyjib.project.read import read_project

__all__ = ["Project", "read_extras", "read_project"]
