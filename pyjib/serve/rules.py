"""What a registry allows and how much of it."""

from __future__ import annotations

from dataclasses import field

from pyjib.frozen import frozen
from pyjib.serve.documents import MAX_MANIFEST


@frozen
class Limits:
    """Bounds on what a client can take up; sizes in bytes, times in seconds."""

    manifest: int = MAX_MANIFEST
    upload: int = 20 << 30
    sessions: int = 64
    session_idle: float = 3600
    connections: int = 512
    """How many are served at a time; others wait to be accepted."""
    head: float = 60
    """How long the next request may let wait for it, until its last header is there."""
    body: float = 60
    """How long a body may stand still, in either direction."""
    slowest: int = 1024
    """Bytes a second that a client has to send of a body, over each ``body`` seconds of waiting."""
    page: int = 1000
    """Entries of a list of tags, repositories or referrers in one answer."""
    garbage_every: float = 900
    """How often blobs that no manifest names are looked for; 0 for never."""
    garbage_grace: float = 3600
    """How long such a blob stays: the push that brought it may go on."""


@frozen
class Rules:
    """``sparse`` takes manifests that name content which is not there.

    The specification leaves that to the registry; a registry that refuses finds out who pushes
    in the wrong order. A missing ``subject`` is taken in any case, as it must be.
    """

    read_only: bool = False
    no_delete: bool = False
    sparse: bool = False
    limits: Limits = field(default_factory=Limits)
