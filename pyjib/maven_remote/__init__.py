"""Files from remote Maven repositories, checked, into the local repository.

``project.maven`` reads the local repository and asks ``Downloads`` for what is missing;
``open_downloads`` makes one. Only this room writes there: files under temporary names until they
are whole and checked, and the notes by which Maven trusts them later (docs/adr/007).
"""

from pyjib.maven_remote.downloads import RepositoryDownloads, open_downloads

__all__ = ["RepositoryDownloads", "open_downloads"]
