"""Paths within an image: absolute, with forward slashes, whatever the host is."""

from __future__ import annotations

from pyjib.errors import ConfigurationError


def absolute_path(text: str, what: str, flag: str) -> str:
    """Return ``text`` without empty segments and without a slash at the end.

    Raises ``ConfigurationError`` if it does not start with a slash, or has ``.`` or ``..``,
    which mean different things to different unpackers. ``what`` names the value in words, and
    ``flag`` the option that it comes from.
    """
    segments = [segment for segment in text.split("/") if segment]
    if not text.startswith("/"):
        reason = "is not an absolute path with forward slashes"
    elif {".", ".."} & set(segments):
        reason = "has a segment '.' or '..'"
    else:
        return "/" + "/".join(segments)
    usable = [segment for segment in segments if segment not in {".", ".."}]
    example = "/".join(usable) if usable and not {"\\", ":"} & set(text) else "srv/data"
    raise ConfigurationError(
        f"the {what} {text!r} {reason}",
        hint=f"write the full path in the image, for example {flag} /{example}",
    )


def join(directory: str, path: str) -> str:
    """Return a path relative to an absolute ``directory`` as an absolute one."""
    return f"{directory.rstrip('/')}/{path}"
