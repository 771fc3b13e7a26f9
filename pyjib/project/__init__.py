"""Stage 1: from a path on disk to a ``Project``, or to the files that a caller lists."""

from pyjib.project.app_archive import read_app_archive
from pyjib.project.extras import read_extras
from pyjib.project.listed_files import read_listed
from pyjib.project.model import AppArchive, Project
from pyjib.project.read import read_project
from pyjib.project.transformation_files import read_transformation_files

__all__ = [
    "AppArchive",
    "Project",
    "read_app_archive",
    "read_extras",
    "read_listed",
    "read_project",
    "read_transformation_files",
]
