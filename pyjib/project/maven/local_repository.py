"""Maven's local repository: POMs, files, and the versions it knows of.

Snapshots may lie there under their time stamps; metadata files tell which is the newest. Nothing
is written here: what is missing is left to ``Downloads``, if there are any. Specification:
``maven-and-gradle-projects`` §4.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pyjib.errors import ProjectError
from pyjib.project.maven import seen
from pyjib.project.maven.artifact import SNAPSHOT, Artifact
from pyjib.project.maven.model import Coordinates, Repository
from pyjib.project.maven.pom_source import Missing
from pyjib.project.maven.remote import Account, Downloads
from pyjib.project.maven.xml_tree import Element, parse_xml, read_bytes, trim

_FAILED = ".lastUpdated"
_TRACKING = "_remote.repositories"
_HAS_DRIVES = os.name == "nt"


class RepositoryFile(NamedTuple):
    """A file of the repository; ``name`` is what Maven calls it, with ``SNAPSHOT`` in it."""

    path: Path
    name: str


class _Metadata(NamedTuple):
    """What one ``maven-metadata-*.xml`` says of an artifact."""

    updated: str
    versions: tuple[str, ...]
    latest: str
    release: str


class LocalRepository:
    """The folders that Maven keeps downloaded and installed files in; a ``PomSource``.

    ``roots`` are asked in turn: the local repository itself, then those of
    ``maven.repo.local.tail``. With ``downloads`` what is missing is fetched first, from the
    ``repositories`` that a question names; without, nothing changes on disk. ``remedy`` is one
    more thing that helps where something is missing.
    """

    def __init__(self, *roots: Path, downloads: Downloads | None = None, remedy: str = "") -> None:
        self._roots = tuple(map(str, roots))
        self._remedy = remedy
        self._downloads = downloads
        self._metadata: dict[tuple[str, str], tuple[_Metadata, ...]] = {}
        self._here: dict[Artifact, RepositoryFile] = {}  # no snapshots, which change

    @property
    def root(self) -> Path:
        """The local repository proper."""
        return Path(self._roots[0])

    @property
    def place(self) -> str:
        """The same for messages, which tell of one that may not be looked into."""
        return f"{self.root}{', which this user may not look into' if self._is_closed else ''}"

    @property
    def _is_closed(self) -> bool:
        try:
            return self.root.is_dir() and not os.access(self.root, os.X_OK)
        except OSError:  # it is below a closed directory, as in another user's home
            return True

    @property
    def downloads_files(self) -> bool:
        """Whether what is missing is looked for elsewhere."""
        return self._downloads is not None

    def find_pom(
        self, coordinates: Coordinates, repositories: Sequence[Repository] = ()
    ) -> Path | None:
        """Return a POM's file."""
        found = self.find(Artifact(*coordinates, extension="pom"), repositories)
        return found.path if found is not None else None

    def find(
        self, artifact: Artifact, repositories: Sequence[Repository] = ()
    ) -> RepositoryFile | None:
        """Return an artifact's file; of a snapshot the newest that is to be had."""
        if self._downloads is None or not _is_safe(artifact):
            return self._find_here(artifact)
        if artifact.version.endswith(SNAPSHOT):
            return self._find_snapshot(artifact, self._downloads, repositories)
        found = self._find_here(artifact)
        if found is None:
            self._downloads.fetch((artifact,), repositories)
            found = self._find_here(artifact)
        return found

    def fetch(self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]) -> None:
        """Download those that are not here and are no snapshots, several at once."""
        if self._downloads is not None:
            self._downloads.fetch(self._not_here(artifacts), repositories)

    def fetch_ahead(
        self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]
    ) -> None:
        """Begin to download what will most likely be asked for, and is not here."""
        if self._downloads is not None:
            self._downloads.fetch_ahead(self._not_here(artifacts), repositories)

    def close(self) -> None:
        """End downloads that were begun ahead, and close connections."""
        if self._downloads is not None:
            self._downloads.close()

    def account(self, artifact: Artifact) -> Account:
        """Return why an artifact is missing, as far as anybody was asked for it."""
        if self._downloads is None:
            return Account()
        return self._downloads.account(artifact)

    def remedy(self, *artifacts: Artifact) -> str:
        """Return the hint for whoever misses artifacts."""
        hint = next(filter(None, (self.account(artifact).hint for artifact in artifacts)), None)
        if hint is not None:
            return hint
        if self._is_closed:
            return "name a local repository that may be read: -Dmaven.repo.local=DIR"
        maven = "let Maven fetch them: mvn dependency:go-offline"
        if len(artifacts) == 1:
            maven = (
                f"let Maven fetch it: mvn dependency:go-offline, or {artifacts[0].fetch_command}"
            )
        return f"{maven}; {self._remedy}" if self._remedy else maven

    def missing_pom(self, coordinates: Coordinates) -> Missing:
        """Return what to say of a POM that is missing."""
        pom = Artifact(*coordinates, extension="pom")
        told = self.account(pom).text
        reason = told or f"Could not find artifact {pom} in the local repository {self.place}"
        return Missing(reason, self.account(pom).hint or self.remedy(pom))

    def _find_snapshot(
        self, artifact: Artifact, downloads: Downloads, repositories: Sequence[Repository]
    ) -> RepositoryFile | None:
        downloads.update(*artifact[:3], repositories)
        newest = self._newest(artifact)
        if newest is None:
            found = self._find_here(artifact)
            if found is None:  # a repository whose snapshots bear no time stamps
                downloads.fetch((artifact,), repositories)
        else:
            found = self._find_here(artifact._replace(version=newest))
            if found is None:
                downloads.fetch((artifact._replace(version=newest),), repositories)
        return found or self._find_here(artifact)

    def _newest(self, artifact: Artifact) -> str | None:
        """Return the time-stamped version that a snapshot is, by all that metadata say."""
        folder = "/".join((*artifact.group.split("."), artifact.artifact, artifact.version))
        version = _newest_version(f"{self._roots[0]}/{folder}", artifact)
        return None if version == artifact.version else version

    def _not_here(self, artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
        return tuple(
            artifact
            for artifact in artifacts
            if not artifact.version.endswith(SNAPSHOT)
            and _is_safe(artifact)
            and self._find_here(artifact) is None
        )

    def _find_here(self, artifact: Artifact) -> RepositoryFile | None:
        found = self._here.get(artifact)
        if found is not None or not _is_safe(artifact):
            return found
        version = artifact.version
        base = artifact.base_version
        is_snapshot = version.endswith(SNAPSHOT)
        folder = f"{artifact.group.replace('.', '/')}/{artifact.artifact}/{base}"
        name = artifact.file_name(version)
        for root in self._roots:
            directory = f"{root}/{folder}"
            if is_snapshot:
                newest = _newest_snapshot(directory, artifact)
                if newest is not None:
                    return RepositoryFile(newest, name)
            path = f"{directory}/{name}"
            if _is_file(path):
                file = RepositoryFile(
                    Path(path), name if base == version else artifact.file_name(base)
                )
                if not is_snapshot:
                    self._here[artifact] = file
                return file
        return None

    def expected_path(self, artifact: Artifact) -> Path:
        """Return where Maven would put an artifact's file."""
        folder = self.root.joinpath(*artifact.group.split("."), artifact.artifact)
        return folder / artifact.base_version / artifact.file_name(artifact.version)

    def has_failed(self, artifact: Artifact) -> bool:
        """Tell whether an artifact was looked for, now or once by Maven, and is nowhere."""
        if self.account(artifact).searched:
            return True
        path = self.expected_path(artifact)
        return _is_file(f"{path}{_FAILED}")

    def origins(self, path: Path) -> frozenset[str]:
        """Return the ids of the repositories that a file was downloaded from.

        Empty if it was installed, or if nothing is known of it.
        """
        try:
            data = seen.read_bytes(path.with_name(_TRACKING))
        except OSError:
            return frozenset()
        text = data.decode("utf-8", errors="replace")
        lines = (line.rpartition(">") for line in text.splitlines() if not line.startswith("#"))
        found = {tail.partition("=")[0] for name, _, tail in lines if name == path.name}
        return frozenset() if "" in found else frozenset(found)

    def versions(
        self, group: str, artifact: str, repositories: Sequence[Repository] = ()
    ) -> Sequence[str]:
        """Return the versions that metadata know of; folders do not count, as in Maven."""
        self._update(group, artifact, repositories)
        found = (version for each in self._all(group, artifact) for version in each.versions)
        return tuple(dict.fromkeys(found))

    def named_version(
        self, group: str, artifact: str, name: str, repositories: Sequence[Repository] = ()
    ) -> str | None:
        """Return the version that ``LATEST`` or ``RELEASE`` stands for."""
        self._update(group, artifact, repositories)
        known = sorted(self._all(group, artifact), key=lambda each: each.updated, reverse=True)
        latest = next((each.latest for each in known if each.latest), None)
        release = next((each.release for each in known if each.release), None)
        return (latest or release) if name == "LATEST" else release

    def _update(self, group: str, artifact: str, repositories: Sequence[Repository]) -> None:
        if self._downloads is None or not _is_safe(Artifact(group, artifact, "")):
            return
        if self._downloads.update(group, artifact, None, repositories):
            self._metadata.pop((group, artifact), None)

    def _all(self, group: str, artifact: str) -> tuple[_Metadata, ...]:
        found = self._metadata.get((group, artifact))
        if found is None:
            folder = "/".join((*group.split("."), artifact))
            found = tuple(
                _metadata(element)
                for root in self._roots
                for element in _metadata_files(f"{root}/{folder}")
            )
            self._metadata[group, artifact] = found
        return found


def _is_safe(artifact: Artifact) -> bool:
    """Tell whether coordinates stay inside the repository: a POM may say anything."""
    told = "\n".join(artifact)
    return not (
        "/" in told
        or "\\" in told
        or "\0" in told
        or (".." in told and ".." in artifact)
        or (_HAS_DRIVES and ":" in told)
    )


def _is_file(path: str) -> bool:
    try:
        return seen.is_file(path)
    except OSError:  # below a closed directory, or a name beyond measure
        return False


def _newest_snapshot(directory: str, artifact: Artifact) -> Path | None:
    """Return the file with the newest time stamp that metadata name, if it is newer and here.

    ``None`` stands for the file that is called ``SNAPSHOT`` itself.
    """
    version = _newest_version(directory, artifact)
    path = Path(directory, artifact.file_name(version))
    return path if version != artifact.version and _is_file(str(path)) else None


def _newest_version(directory: str, artifact: Artifact) -> str:
    return max(_snapshots(directory, artifact), default=("", artifact.version))[1]


def _snapshots(directory: str, artifact: Artifact) -> Iterator[tuple[str, str]]:
    """Yield time and version of what metadata say an artifact's snapshot is.

    They come from other machines: a version that leads out of the repository is none.
    """
    for updated, version in _stated_snapshots(directory, artifact):
        if _is_safe(artifact._replace(version=version)):
            yield updated, version


def _stated_snapshots(directory: str, artifact: Artifact) -> Iterator[tuple[str, str]]:
    wanted = artifact.extension, artifact.classifier
    for element in _metadata_files(directory):
        versioning = element.find("versioning")
        if versioning is None:
            continue
        listed = versioning.findall("snapshotVersions/snapshotVersion")
        for entry in listed:
            if (_text(entry, "extension") or "jar", _text(entry, "classifier")) == wanted:
                yield _text(entry, "updated"), _text(entry, "value")
        stamp = _text(versioning, "snapshot/timestamp")
        number = _text(versioning, "snapshot/buildNumber")
        if not listed and stamp and number:
            version = artifact.version.removesuffix(SNAPSHOT) + f"{stamp}-{number}"
            yield _text(versioning, "lastUpdated"), version


def _metadata_files(directory: str) -> Iterator[Element]:
    """Yield what metadata files hold; damaged ones are passed over, as Maven does."""
    for path in seen.find(Path(directory), "maven-metadata*.xml"):
        try:
            yield parse_xml(read_bytes(path), path)
        except ProjectError:
            continue


def _metadata(element: Element) -> _Metadata:
    versions = element.iterfind("versioning/versions/version")
    return _Metadata(
        updated=_text(element, "versioning/lastUpdated"),
        versions=tuple(text for version in versions if (text := trim(version.text or ""))),
        latest=_text(element, "versioning/latest"),
        release=_text(element, "versioning/release"),
    )


def _text(element: Element, path: str) -> str:
    return trim(element.findtext(path) or "")
