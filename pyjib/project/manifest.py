"""The main section of a jar's manifest (the JAR File Specification, "JAR Manifest")."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pyjib.frozen import frozen
from pyjib.project.zip_reader import Archive

_NAME = "META-INF/MANIFEST.MF"


@frozen
class Manifest:
    """The main attributes; their names are compared without regard to case."""

    attributes: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """Return an attribute; one without a value counts as missing."""
        return self.attributes.get(name.lower()) or None

    @property
    def main_class(self) -> str | None:
        """What ``java -jar`` starts."""
        return self.get("Main-Class")

    @property
    def class_path(self) -> tuple[str, ...]:
        """The relative URLs of ``Class-Path``."""
        return tuple((self.get("Class-Path") or "").split())

    @property
    def is_multi_release(self) -> bool:
        """Whether Java looks below ``META-INF/versions`` of this jar."""
        return (self.get("Multi-Release") or "").lower() == "true"


def read_manifest(archive: Archive) -> Manifest:
    """Read the manifest of an archive; one without a manifest has no attributes.

    Raises ``ProjectError`` if the archive is damaged.
    """
    name = _NAME
    if name not in archive.members:  # Java finds it in any spelling
        name = next((found for found in archive.members if found.upper() == _NAME), _NAME)
    return parse_manifest(archive.read(name) or b"")


def parse_manifest(content: bytes) -> Manifest:
    """Parse the main section; lines that are no attribute are passed over."""
    unified = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    section = unified.lstrip(b"\n").partition(b"\n\n")[0]
    # Lines have 72 bytes at most; a space begins the rest of the line before, even amid a letter.
    lines = section.replace(b"\n ", b"").decode("utf-8", "replace").split("\n")
    pairs = (line.partition(":") for line in lines if ":" in line)
    return Manifest(
        attributes=MappingProxyType(
            {name.strip().lower(): value.strip() for name, _, value in pairs}
        )
    )
