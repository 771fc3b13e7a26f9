"""Every exception that pyjib raises on purpose.

::

    PyjibError(message, hint)
    ├── ConfigurationError          what the caller asked for cannot be (exit code 2)
    │   └── InvalidReferenceError   also a ValueError
    ├── ProjectError                the Java project cannot be read
    │   ├── MainClassError
    │   └── DependencyError
    ├── PlatformError               the base lacks the platform, or is too old for the classes
    ├── ContentError                bytes are not what they claim to be
    │   ├── DigestMismatchError
    │   ├── SizeMismatchError
    │   └── MalformedDocumentError
    ├── TransportError              no answer: name resolution, connection, TLS, time-out
    ├── RegistryError               an answer that means no
    │   ├── UnauthorizedError
    │   ├── DeniedError
    │   ├── NotFoundError
    │   └── RateLimitedError
    ├── EngineError                 a Docker or Podman daemon refused or is absent
    ├── DestinationError            a file or directory cannot be written
    ├── CacheError                  the local store cannot be used
    └── CancelledError              the caller gave up (exit code 130)

A message says what was tried, on what, and what came back. ``hint``, if any, is one sentence
that names the flag, the file or the command that helps; only ``pyjib.cli`` prints either.
"""

from __future__ import annotations

from pyjib.frozen import frozen

__all__ = [
    "CacheError",
    "CancelledError",
    "ConfigurationError",
    "ContentError",
    "DeniedError",
    "DependencyError",
    "DestinationError",
    "DigestMismatchError",
    "EngineError",
    "InvalidReferenceError",
    "MainClassError",
    "MalformedDocumentError",
    "NotFoundError",
    "PlatformError",
    "ProjectError",
    "PyjibError",
    "RateLimitedError",
    "RegistryDiagnostic",
    "RegistryError",
    "SizeMismatchError",
    "TransportError",
    "UnauthorizedError",
]


class PyjibError(Exception):
    """The root of all errors that pyjib raises on purpose.

    ``message`` is a sentence without a final full stop, and what it lists is a line each, two
    spaces indented; ``hint`` is what the user can do about
    it; ``exit_code`` is what the command line ends with.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advise(hint)

    @property
    def in_a_line(self) -> str:
        """The message without ends of lines, for one that is told within another."""
        first, *rest = (line.strip() for line in self.message.splitlines())
        return f"{first}{' ' if first.endswith(':') else '; '}{'; '.join(rest)}" if rest else first

    def advise(self, hint: str | None) -> None:
        """Put a hint in the place of the one there is; tracebacks show it too."""
        self.hint = hint
        self.__notes__ = [f"hint: {hint}"] if hint else []

    def add(self, more: str) -> None:
        """Put more at the end of the message."""
        self.message += more
        self.args = (self.message,)


class ConfigurationError(PyjibError):
    """What the caller asked for is not valid, or contradicts itself."""

    exit_code = 2


class InvalidReferenceError(ConfigurationError, ValueError):
    """Text is not an image reference, a digest or a platform."""


class ProjectError(PyjibError):
    """The Java project at the given path cannot be read or is not one."""


class MainClassError(ProjectError):
    """No main class was found, or more than one."""


class DependencyError(ProjectError):
    """A dependency of the project cannot be found."""


class PlatformError(PyjibError):
    """A base image does not have the platform asked for, or cannot run the classes."""


class ContentError(PyjibError):
    """Bytes are not what they claim to be."""


class DigestMismatchError(ContentError):
    """Bytes have another digest than the one they were asked for by."""


class SizeMismatchError(ContentError):
    """There are fewer or more bytes than a descriptor says."""


class MalformedDocumentError(ContentError):
    """A JSON document breaks its specification.

    ``path`` leads to the place, for example ``layers[2].digest``; it is empty for the whole.
    """

    def __init__(self, message: str, *, path: str = "", hint: str | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message, hint=hint)
        self.path = path


class TransportError(PyjibError):
    """A server could not be talked to: name resolution, connection, TLS, time-out, cut body.

    ``action`` is what that was for, in words, if the message tells it.
    """

    def __init__(self, message: str, *, action: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.action = action


class OfflineError(TransportError):
    """A server on another machine was wanted, and none may be asked (``RegistryOptions.offline``)."""


@frozen
class RegistryDiagnostic:
    """One entry of ``errors`` in a registry's reply (Distribution 1.1, "Error Codes")."""

    code: str
    message: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.code, self.message, self.detail) if part)


class RegistryError(PyjibError):
    """A registry answered, and the answer means no.

    ``action`` is what was tried, in words ("push manifest r.io/app:1"); ``status`` the HTTP
    status; ``diagnostics`` what the registry said of it.
    """

    def __init__(
        self,
        message: str,
        *,
        action: str = "",
        status: int | None = None,
        diagnostics: tuple[RegistryDiagnostic, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.action = action
        self.status = status
        self.diagnostics = diagnostics


class UnauthorizedError(RegistryError):
    """The registry wants a login, or does not accept the one it got (401)."""


class DeniedError(RegistryError):
    """The login is known and may not do this (403)."""


class NotFoundError(RegistryError):
    """The registry has no such repository, manifest or blob (404)."""


class RateLimitedError(RegistryError):
    """The registry asks to wait longer than pyjib is willing to (429).

    ``retry_after`` is in seconds, if the registry told.
    """

    def __init__(
        self,
        message: str,
        *,
        action: str = "",
        status: int | None = 429,
        diagnostics: tuple[RegistryDiagnostic, ...] = (),
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, action=action, status=status, diagnostics=diagnostics, hint=hint)
        self.retry_after = retry_after


class EngineError(PyjibError):
    """A Docker or Podman daemon is absent, or refused."""


class DestinationError(PyjibError):
    """An archive or a layout cannot be written."""


class CacheError(PyjibError):
    """The local store cannot be read or written."""


class CancelledError(PyjibError):
    """The caller gave up; nothing half-written is left behind."""

    exit_code = 130
