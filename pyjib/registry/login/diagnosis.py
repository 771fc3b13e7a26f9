"""Finding out why a registry says no: what ``pyjib doctor`` and ``pyjib login --check`` tell.

Everything is asked as a build would ask it, and nothing is left behind: whether a push is allowed
is found out by beginning an upload, which is cancelled at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pyjib.cancellation import Cancellation
from pyjib.errors import (
    CancelledError,
    ContentError,
    DeniedError,
    NotFoundError,
    PyjibError,
    RegistryError,
    UnauthorizedError,
)
from pyjib.events import Event, Listener, Warned, ignore
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login.challenge import Challenge, parse_challenges
from pyjib.registry.login.cloud.ecr import Ecr
from pyjib.registry.login.cloud.exchange import date_of
from pyjib.registry.login.credential import Step
from pyjib.registry.login.scope import Scope, Scopes
from pyjib.registry.mirrors import find_places
from pyjib.registry.net.message import NOTHING, Call, Reply
from pyjib.registry.net.proxies import proxy_for
from pyjib.registry.net.retry import Passing
from pyjib.registry.refusal import printable
from pyjib.registry.session import Session

if TYPE_CHECKING:
    from pyjib.registry.net.wire import Answer

_ACCEPT = ", ".join(sorted(types.MANIFESTS | types.INDEXES))
_UPLOAD_PATIENCE = 5.0


@frozen
class Check:
    """Whether something is allowed: yes, no, or ``None`` for not known; and in what words."""

    allowed: bool | None
    said: str


@frozen
class Diagnosis:
    """What was found out of a registry, in the order in which it was.

    ``trouble`` is why nothing follows, if the registry cannot be talked to. ``tls`` is the version
    that is spoken, and ``verified`` tells whether the certificate had to be good. ``skew`` is how
    many seconds this machine's clock is ahead of the registry's. ``token`` tells of getting a
    token, ``login`` whether the registry accepts what is sent; ``pull`` and ``push`` are ``None`` where
    no repository was asked about. ``mirrors`` are asked before the registry when the image is
    pulled; ``warnings`` came up on the way.
    """

    registry: str
    repository: str = ""
    address: str = ""
    tls: str = ""
    verified: bool = True
    proxy: str = ""
    mirrors: tuple[str, ...] = ()
    skew: float | None = None
    challenges: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    used: str = ""
    token: Check | None = None
    login: Check | None = None
    pull: Check | None = None
    push: Check | None = None
    warnings: tuple[str, ...] = ()
    trouble: PyjibError | None = None


def diagnose(
    registry: str,
    reference: Reference | None,
    *,
    options: RegistryOptions,
    host: HostEnvironment,
    clock: Callable[[], float],
    push: bool = True,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> Diagnosis:
    """Find out what can be found out; raises ``CancelledError`` only.

    ``clock`` gives seconds since 1970 by this machine. Without a ``reference`` the login to the
    registry is looked at, and no repository.
    """
    warnings: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.message)
        else:
            listener(event)

    session = Session(
        options, host, listener=listen, cancellation=cancellation or Cancellation(), wait=None
    )
    try:
        doctor = _Doctor(session, registry, reference, options, host)
        found = doctor.examine(clock, push=push)
        return replace(found, warnings=tuple(dict.fromkeys(warnings)))
    finally:
        session.close()


class _Doctor:
    def __init__(
        self,
        session: Session,
        registry: str,
        reference: Reference | None,
        options: RegistryOptions,
        host: HostEnvironment,
    ) -> None:
        self._session = session
        self._registry = registry
        self._reference = reference
        self._repository = reference.repository if reference is not None else ""
        self._options = options
        self._host = host
        self._absent = False

    def examine(self, clock: Callable[[], float], *, push: bool) -> Diagnosis:
        found = Diagnosis(registry=self._registry, repository=self._repository)
        try:
            root = self._session.root(self._registry)
            proxy = proxy_for(root, self._host)
            found = replace(
                found,
                address=str(root),
                verified=root.scheme == "https" and self._session.verifies(root),
                proxy=str(proxy) if proxy is not None else "",
                mirrors=self._mirrors(),
            )
            answer = self._knock()
        except CancelledError:
            raise
        except Passing as passing:
            return self._ended(found, passing.error)
        except PyjibError as error:
            return self._ended(found, error)
        date = date_of(answer.headers)
        lines = parse_challenges(answer.header_lines("www-authenticate"))
        found = replace(
            found,
            tls=answer.tls or "",
            skew=None if date is None else clock() - date.timestamp(),
            challenges=tuple(map(_words_of, lines)),
        )
        return self._log_in(found, lines, push=push)

    def _mirrors(self) -> tuple[str, ...]:
        if self._reference is None:
            return ()
        places = find_places(self._reference, self._options, self._session.machine)
        return tuple(str(place.reference) for place in places if place.is_mirror)

    def _ended(self, found: Diagnosis, error: PyjibError) -> Diagnosis:
        return replace(self._searched(found), trouble=error)

    def _knock(self) -> Answer:
        """Ask as nobody in particular, to see how the registry wants to be asked."""
        answer = self._session.open(
            Call(
                action=f"reach the registry {self._registry}",
                registry=self._registry,
                accepted=frozenset(range(200, 500)) - {408, 429, 499},
                bare=True,
                url=self._session.root(self._registry).at("/v2/"),
                chosen=True,
            )
        )
        answer.close()
        return answer

    def _searched(self, found: Diagnosis) -> Diagnosis:
        search = self._session.finder.search(self._registry, self._repository)
        used = search.credential.words if search.credential is not None else ""
        return replace(found, steps=search.steps, used=used, trouble=search.failure)

    def _log_in(
        self, found: Diagnosis, challenges: Sequence[Challenge], *, push: bool
    ) -> Diagnosis:
        found = self._searched(found)
        if found.trouble is not None:
            return found
        token = self._token(challenges) if challenges else None
        found = replace(found, token=token, login=self._login())
        if self._reference is None:
            return found
        found = replace(found, pull=self._pull(self._reference))
        return replace(found, push=self._push()) if push else found

    def _token(self, challenges: Sequence[Challenge]) -> Check:
        def get() -> str:
            scopes = self._scopes("pull")
            header = self._session.authenticator(self._registry).renew(challenges, scopes, None)
            kind = (header or "").partition(" ")[0].lower()
            said = {"bearer": "a token was granted", "basic": "user and password will be sent"}
            return said.get(kind, "there is no login to send")

        return _checked(get)

    def _login(self) -> Check:
        def ping() -> str:
            self._session.ask(Call(action=f"log in to {self._registry}", registry=self._registry))
            return "the registry answered"

        return _checked(ping)

    def _pull(self, reference: Reference) -> Check:
        tag = reference.digest or reference.tag or "latest"

        def get() -> str:
            try:
                reply = self._session.ask(
                    Call(
                        action=f"pull {reference}",
                        registry=self._registry,
                        target=f"/v2/{self._repository}/manifests/{tag}",
                        headers={"Accept": _ACCEPT},
                        scopes=self._scopes("pull"),
                        method="HEAD",
                        accepted=frozenset({200, 405}),
                    )
                )
            except NotFoundError:
                return self._why_absent(reference)
            if reply.headers.get("content-type", "").startswith("text/html"):
                raise ContentError(f"{self._registry} answered with a web page, not with an image")
            return "the image is there"

        return _checked(get)

    def _why_absent(self, reference: Reference) -> str:
        """Ask for the tags, to tell a missing tag from a missing repository."""
        try:
            self._session.ask(
                Call(
                    action=f"list the tags of {reference.name}",
                    registry=self._registry,
                    target=f"/v2/{self._repository}/tags/list?n=1",
                    scopes=self._scopes("pull"),
                ),
                1024 * 1024,
            )
        except NotFoundError:
            self._absent = True
            return "allowed, but there is no such repository yet"
        except (ContentError, RegistryError):
            self._absent = True
            return "allowed, but the image is not there"
        return f"the repository is there, {reference.tag or reference.digest} is not"

    def _push(self) -> Check:
        if self._absent and Ecr().serves(self._registry):
            said = "not tried: beginning an upload could make Amazon create the repository"
            return Check(allowed=None, said=said)
        return _checked(self._begin_upload)

    def _begin_upload(self) -> str:
        call = Call(
            action=f"begin an upload to {self._registry}/{self._repository}",
            registry=self._registry,
            method="POST",
            target=f"/v2/{self._repository}/blobs/uploads/",
            scopes=self._scopes("pull", "push"),
            body=NOTHING,
            accepted=frozenset({202}),
        )
        reply = self._session.ask(call)
        return self._cancel(call, reply)

    def _cancel(self, call: Call, reply: Reply) -> str:
        location = reply.headers.get("location")
        if location is None:
            return "an upload could be begun"
        try:
            url = self._session.resolve(self._registry, reply.url, location)
            self._session.once(
                replace(
                    call,
                    action="cancel the upload",
                    method="DELETE",
                    url=url,
                    accepted=frozenset({202, 204, 404}),
                    patience=_UPLOAD_PATIENCE,
                )
            )
        except CancelledError:
            raise
        except (PyjibError, Passing):
            return "an upload was begun; the registry takes no cancellation and will drop it itself"
        return "an upload was begun, and cancelled"

    def _scopes(self, *actions: str) -> Scopes:
        return (Scope.of_repository(self._repository, *actions),) if self._repository else ()


def _checked(work: Callable[[], str]) -> Check:
    try:
        return Check(allowed=True, said=work())
    except CancelledError:
        raise
    except (UnauthorizedError, DeniedError) as error:
        return Check(allowed=False, said=error.message)
    except Passing as passing:
        return Check(allowed=None, said=passing.error.message)
    except RegistryError as error:
        # That it does no such thing (a mirror, say) is as definite as a refusal.
        return Check(allowed=False if error.status == 405 else None, said=error.message)
    except PyjibError as error:
        return Check(allowed=None, said=error.message)


def _words_of(challenge: Challenge) -> str:
    shown = ("realm", "service", "scope", "error")
    told = (f'{name}="{printable(challenge.get(name))}"' for name in shown if challenge.get(name))
    return " ".join([printable(challenge.scheme.capitalize()), *told])
