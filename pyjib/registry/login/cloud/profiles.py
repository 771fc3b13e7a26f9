"""The profiles of AWS's two files, ``~/.aws/config`` and ``~/.aws/credentials``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment

_PROFILE, _SESSION = "profile", "sso-session"


@frozen
class Profiles:
    """Settings by the names of profiles: those of ``credentials`` go before those of ``config``.

    ``sessions`` are those of single sign-on, which several profiles may share.
    """

    found: Mapping[str, Mapping[str, str]]
    sessions: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, host: HostEnvironment) -> Profiles:
        """Read both files, as far as they exist; raises ``ConfigurationError``."""
        found: dict[str, dict[str, str]] = {}
        sessions: dict[str, dict[str, str]] = {}
        for variable, name in (
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ):
            path = Path(host.get(variable) or host.home / ".aws" / name)
            for kind, section, settings in _sections(path):
                kept = found if kind == _PROFILE else sessions
                kept.setdefault(section, {}).update(settings)
        return cls(found=found, sessions=sessions)

    def named(self, name: str) -> Mapping[str, str]:
        """Return a profile; raises ``ConfigurationError`` if there is none of that name."""
        if name not in self.found:
            raise ConfigurationError(
                f"AWS has no profile {name}", hint="correct AWS_PROFILE, or add it to ~/.aws/config"
            )
        return self.found[name]


def _sections(path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    parser = ConfigParser(interpolation=None, strict=False, default_section="\0")
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError, ConfigParserError):
        raise ConfigurationError(f"cannot read AWS's profiles from {path}") from None
    for section in parser.sections():
        kind, space, name = section.partition(" ")
        if not space:
            kind, name = _PROFILE, section
        if kind in (_PROFILE, _SESSION):  # there are services too
            yield kind, name.strip().strip("\"'"), dict(parser[section])
