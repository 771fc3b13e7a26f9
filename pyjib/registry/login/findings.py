"""What was found out about a registry: the values that ``diagnosis`` returns."""

from __future__ import annotations

from collections.abc import Callable

from pyjib.errors import (
    CancelledError,
    ContentError,
    DeniedError,
    PyjibError,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.frozen import frozen
from pyjib.registry.login.credential import Step
from pyjib.registry.net.retry import Passing

_DEFINITE = frozenset({404, 405, 501})
_HELPFUL = frozenset({404, 429})
"""Statuses whose hint tells what nothing else in a diagnosis does: to make a repository, to wait."""


@frozen
class Check:
    """Whether something is allowed: yes, no, or ``None`` for not known; and in what words."""

    allowed: bool | None
    said: str


@frozen
class MirrorState:
    """A mirror that is asked for an image, in a build's order.

    ``source`` is the option or the file that names it, ``login`` what is sent if it asks for one,
    empty if there is none. ``asked_for`` is ``tags``, ``digests`` or both words. ``answer``
    tells whether it lets the image be pulled, and ``has_image`` whether it has it.
    """

    reference: str
    source: str
    asked_for: tuple[str, ...]
    login: str
    answer: Check
    has_image: bool = False


@frozen
class Diagnosis:
    """What was found out of a registry, in the order in which it was.

    ``trouble`` is why nothing follows, if the registry cannot be talked to. ``tls`` is the version
    that is spoken, empty where there was no handshake, and ``verified`` tells whether the
    certificate was found to be good in it. ``skew`` is how many seconds this machine's clock is
    ahead of the registry's. ``token`` tells of getting a token where the registry wants one, and
    ``sent`` whether there is a login to send where it asks for that itself; ``login`` tells whether
    the registry accepts what is sent, and ``renewal`` how the login that was ``used`` is renewed.
    ``tokenless`` tells that no tokens are to be had for now, whatever the login.
    In what words it refused without asking for a login is ``unasked``, and what helps ``remedy``.
    ``pull`` and ``push`` are ``None`` where no repository was asked about; ``untried`` is what only
    a real push would tell. ``mirrors`` are asked before the registry when the image is pulled; ``instead`` is
    the name that is pulled in the end where a machine's set-up puts another in the place of the
    image's own, and ``asked`` the registry that all else is about: that of ``instead`` if only
    pulling was looked at. ``stranger`` is what came in place of a registry's greeting, if so.
    ``absent`` tells that the image is not there; ``warnings`` came up on the way.
    """

    registry: str
    repository: str = ""
    mirrors: tuple[MirrorState, ...] = ()
    instead: str = ""
    asked: str = ""
    address: str = ""
    tls: str = ""
    verified: bool = False
    proxy: str = ""
    skew: float | None = None
    challenges: tuple[str, ...] = ()
    stranger: str = ""
    steps: tuple[Step, ...] = ()
    used: str = ""
    renewal: str = ""
    unasked: str = ""
    remedy: str = ""
    token: Check | None = None
    tokenless: bool = False
    sent: Check | None = None
    login: Check | None = None
    pull: Check | None = None
    push: Check | None = None
    absent: bool = False
    untried: str = ""
    warnings: tuple[str, ...] = ()
    trouble: PyjibError | None = None

    @property
    def can_pull(self) -> bool:
        """Tell whether a build would get the image, from wherever."""
        if any(mirror.has_image for mirror in self.mirrors):
            return True
        return self.pull is not None and bool(self.pull.allowed) and not self.absent

    @property
    def can_push(self) -> bool:
        """Tell whether pushing is known to be allowed."""
        return self.push is not None and bool(self.push.allowed)

    @property
    def is_logged_in(self) -> bool:
        """Tell whether the registry took the login that was found, or asks for none."""
        if self.trouble is not None or self.login is None or not self.login.allowed:
            return False
        if not self.challenges and not self.unasked:
            return True
        return bool(self.used) and self.presented is not None and bool(self.presented.allowed)

    @property
    def presented(self) -> Check | None:
        """What became of the login that was found, before the registry itself saw any of it."""
        return self.token if self.token is not None else self.sent


def checked(work: Callable[[], str], *, unreachable: bool | None = False) -> Check:
    """Return what came of asking; ``work`` says in words what was allowed, or raises.

    ``unreachable`` is what no answer at all comes to: what cannot be reached cannot be used.
    """
    try:
        return Check(allowed=True, said=work())
    except CancelledError:
        raise
    except (UnauthorizedError, DeniedError, ContentError) as error:
        # What cannot be understood here, builds will not take either.
        return Check(allowed=False, said=error.message)
    except Passing as passing:
        return Check(allowed=None, said=passing.error.message)
    except RegistryError as error:
        # That it does no such thing (a mirror, say) is as definite as a refusal.
        helps = error.status in _HELPFUL and error.hint
        said = f"{error.message}: {error.hint}" if helps else error.message
        return Check(allowed=False if error.status in _DEFINITE else None, said=said)
    except TransportError as error:
        return Check(allowed=unreachable, said=error.message)
    except PyjibError as error:
        return Check(allowed=None, said=error.message)
