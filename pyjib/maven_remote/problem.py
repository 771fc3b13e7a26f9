"""Why a file could not be had from one repository; another may still have it."""

from __future__ import annotations


class TransferError(Exception):
    """A repository did not give what it was asked for, and that does not mean it lacks it.

    ``reason`` follows a colon in messages; ``hint`` is for the user.
    """

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
