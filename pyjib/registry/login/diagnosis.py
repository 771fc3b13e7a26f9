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
    NotFoundError,
    PyjibError,
    RegistryError,
    UnauthorizedError,
)
from pyjib.events import Event, Listener, Warned, ignore
from pyjib.oci import media_type as types
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login.challenge import Challenge, parse_challenges
from pyjib.registry.login.cloud.ecr import Ecr
from pyjib.registry.login.cloud.exchange import date_of
from pyjib.registry.login.findings import Check, Diagnosis, MirrorState, checked
from pyjib.registry.login.scope import Scope, Scopes
from pyjib.registry.mirrors import Place, find_places
from pyjib.registry.net.message import NOTHING, Call, Reply
from pyjib.registry.net.proxies import proxy_for
from pyjib.registry.net.retry import Passing
from pyjib.registry.refusal import describe, printable
from pyjib.registry.session import Session

if TYPE_CHECKING:
    from pyjib.registry.net.wire import Answer

_ACCEPT = ", ".join(sorted(types.MANIFESTS | types.INDEXES))
_UPLOAD_PATIENCE = 5.0


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
        self._reference = self._pulled = reference
        self._repository = reference.repository if reference is not None else ""
        self._options = options
        self._host = host
        self._namespace = ""
        self._absent = self._has_repository = False

    def examine(self, clock: Callable[[], float], *, push: bool) -> Diagnosis:
        found = Diagnosis(registry=self._registry, repository=self._repository)
        try:
            found = self._look_at_places(found, push=push)
            root = self._session.root(self._registry)
            proxy = proxy_for(root, self._host)
            found = replace(
                found,
                address=str(root),
                proxy=str(proxy) if proxy is not None else "",
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
            verified=bool(answer.tls) and self._session.verifies(answer.url),
            stranger=_stranger(answer),
            skew=None if date is None else clock() - date.timestamp(),
            challenges=tuple(map(_words_of, lines)),
        )
        return self._log_in(found, lines, push=push)

    def _look_at_places(self, found: Diagnosis, *, push: bool) -> Diagnosis:
        """Ask mirrors first, as a build does: they may do where the registry is out of reach.

        What a build pulls from in the registry's place is looked at instead of that, unless
        something is to be pushed as well, which goes to the registry all the same.
        """
        found = replace(found, asked=self._registry)
        if self._reference is None:
            return found
        *mirrors, last = find_places(self._reference, self._options, self._session.machine)
        states = tuple(self._mirror(place) for place in mirrors)
        if last.reference == self._reference:
            return replace(found, mirrors=states)
        self._pulled, self._namespace = last.reference, last.namespace
        if not push:
            self._registry = last.reference.registry
            self._repository = last.reference.repository
        return replace(
            found,
            mirrors=states,
            instead=f"{last.reference} ({last.source})",
            asked=self._registry,
        )

    def _mirror(self, place: Place) -> MirrorState:
        reference, session = place.reference, self._session.hasty().at(place.namespace)
        search = session.finder.search(reference.registry, reference.repository)
        by = "digests" if reference.digest else "tags"
        asked_for = tuple(
            word
            for word, is_asked in (("tags", place.tags), ("digests", place.digests))
            if is_asked
        )
        has_image = False

        def ask() -> str:
            nonlocal has_image
            if by not in asked_for:
                session.ask(Call(action=f"reach {reference.registry}", registry=reference.registry))
                return "it answers"
            try:
                self._head(session, reference)
            except NotFoundError:
                return "it answers, and has not got the image"
            has_image = True
            return "it has the image"

        answer = checked(ask)
        credential = search.credential
        login = credential.words if credential is not None else ""
        return MirrorState(
            reference=str(reference),
            source=place.source,
            asked_for=asked_for,
            login=login,
            answer=answer,
            has_image=has_image,
        )

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
        if any(challenge.scheme == "bearer" for challenge in challenges):
            found = replace(found, token=self._present(challenges))
        elif challenges:
            found = replace(found, sent=self._present(challenges))
        found = replace(found, login=self._login())
        if self._pulled is None:
            return found
        found = replace(found, pull=self._pull(self._pulled), absent=self._absent)
        return replace(found, push=self._push()) if push else found

    def _present(self, challenges: Sequence[Challenge]) -> Check:
        """See what becomes of the login before the registry itself gets any of it."""

        def get() -> str:
            scopes = self._scopes("pull")
            authenticator = self._session.authenticator(self._registry)
            header = authenticator.renew(challenges, scopes, None)
            words = authenticator.words(scopes)
            if words.withheld is not None:
                raise UnauthorizedError(f"the login that was found is not sent: {words.withheld}")
            refused = authenticator.why_refused(scopes)
            if refused is not None:  # a token for nobody in particular tells nothing of the login
                raise UnauthorizedError(f"the login that was found is not accepted: {refused}")
            kind = (header or "").partition(" ")[0].lower()
            said = {"bearer": "a token was granted", "basic": "user and password will be sent"}
            if not words.used:
                said["bearer"] += " without a login"
            if kind not in said:
                unknown = "none of these ways to log in is known"
                raise UnauthorizedError(unknown if words.used else "there is no login to send")
            return said[kind]

        return checked(get)

    def _login(self) -> Check:
        def ping() -> str:
            self._session.ask(Call(action=f"log in to {self._registry}", registry=self._registry))
            return "the registry answered"

        return checked(ping)

    def _pull(self, reference: Reference) -> Check:
        def get() -> str:
            try:
                self._head(self._session.at(self._namespace), reference)
            except NotFoundError:
                return self._why_absent(reference)
            return "the image is there"

        return checked(get)

    def _head(self, session: Session, reference: Reference) -> None:
        tag = reference.digest or reference.tag or "latest"
        reply = session.ask(
            Call(
                action=f"pull {reference}",
                registry=reference.registry,
                target=f"/v2/{reference.repository}/manifests/{tag}",
                headers={"Accept": _ACCEPT},
                scopes=(Scope.of_repository(reference.repository, "pull"),),
                method="HEAD",
                accepted=frozenset({200, 405}),
            )
        )
        if reply.headers.get("content-type", "").startswith("text/html"):
            raise ContentError(f"{reference.registry} answered with a web page, not with an image")

    def _why_absent(self, reference: Reference) -> str:
        """Ask for the tags, to tell a missing tag from a missing repository."""
        self._absent = True
        try:
            self._session.at(self._namespace).ask(
                Call(
                    action=f"list the tags of {reference.name}",
                    registry=reference.registry,
                    target=f"/v2/{reference.repository}/tags/list?n=1",
                    scopes=(Scope.of_repository(reference.repository, "pull"),),
                ),
                1024 * 1024,
            )
        except NotFoundError:
            return "allowed, but there is no such repository yet"
        except (ContentError, RegistryError):
            return "allowed, but the image is not there"
        self._has_repository = True
        return f"the repository is there, {reference.tag or reference.digest} is not"

    def _push(self) -> Check:
        may_be_new = self._absent and not self._has_repository
        may_be_new |= self._pulled != self._reference  # the repository was not looked at
        if may_be_new and Ecr().serves(self._registry):
            said = "not tried: beginning an upload could make Amazon create the repository"
            return Check(allowed=None, said=said)
        return checked(self._begin_upload)

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


def _stranger(answer: Answer) -> str:
    """Say what answered to ``GET /v2/`` in a way that no registry does; empty if it may be one."""
    if answer.status == 404:
        return describe(answer.status)
    is_page = answer.headers.get("content-type", "").lower().startswith("text/html")
    if is_page and answer.status not in (
        401,
        403,
    ):  # which a proxy with a login may be to blame for
        return "a web page"
    return ""


def _words_of(challenge: Challenge) -> str:
    shown = ("realm", "service", "scope", "error")
    told = (f'{name}="{printable(challenge.get(name))}"' for name in shown if challenge.get(name))
    return " ".join([printable(challenge.scheme.capitalize()), *told])
