"""Finding out why a registry says no: what ``pyjib doctor`` and ``pyjib login --check`` tell.

Everything is asked as a build would ask it, and nothing is left behind: whether a push is allowed
is found out by beginning an upload, which is cancelled at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pyjib.cancellation import Cancellation
from pyjib.errors import (
    CancelledError,
    NotFoundError,
    PyjibError,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.events import Event, Warned
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login import trial
from pyjib.registry.login.challenge import Challenge, parse_challenges
from pyjib.registry.login.cloud.ecr import Ecr
from pyjib.registry.login.cloud.exchange import date_of
from pyjib.registry.login.findings import Check, Diagnosis, MirrorState, checked
from pyjib.registry.login.scope import Scope, Scopes
from pyjib.registry.login.ways import Unasked, choose
from pyjib.registry.mirrors import Place, find_places
from pyjib.registry.net.message import Call
from pyjib.registry.net.proxies import proxy_for
from pyjib.registry.net.retry import PASSING_STATUSES, Passing
from pyjib.registry.net.urls import Url
from pyjib.registry.refusal import describe, printable
from pyjib.registry.session import Session

if TYPE_CHECKING:
    from pyjib.registry.net.wire import Answer

Progress: TypeAlias = Callable[[str], None]
"""Is told what is asked for next, in words that follow "waiting"."""


def diagnose(
    registry: str,
    reference: Reference | None,
    *,
    options: RegistryOptions,
    host: HostEnvironment,
    clock: Callable[[], float],
    push: bool = True,
    progress: Progress = lambda words: None,  # noqa: ARG005  told nobody
    cancellation: Cancellation | None = None,
) -> Diagnosis:
    """Find out what can be found out; raises ``CancelledError`` only.

    ``clock`` gives seconds since 1970 by this machine. Without a ``reference`` the login to the
    registry is looked at, and no repository. ``progress`` is told before anything is asked. What fails is not tried again: who waits for a
    diagnosis wants to know what is wrong now.
    """
    warnings: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.message)

    options = replace(options, attempts=1)
    session = Session(
        options, host, listener=listen, cancellation=cancellation or Cancellation(), wait=None
    )
    try:
        doctor = _Doctor(session, registry, reference, options, host, progress)
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
        progress: Progress,
    ) -> None:
        self._session = session
        self._registry = registry
        self._reference = self._pulled = reference
        self._repository = reference.repository if reference is not None else ""
        self._options = options
        self._host = host
        self._progress = progress
        self._namespace = ""
        self._is_for_push = False
        self._absent = self._has_repository = self._is_mute = False

    def examine(self, clock: Callable[[], float], *, push: bool) -> Diagnosis:
        found = Diagnosis(registry=self._registry, repository=self._repository)
        self._is_for_push = push
        try:
            found = self._look_at_places(found, push=push)
            root = self._session.root(self._registry)
            proxy = proxy_for(root, self._host)
            found = replace(
                found,
                address=str(root),
                proxy=str(proxy) if proxy is not None else "",
            )
            self._progress(f"for an answer of {self._registry}")
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
        if answer.status == 401 and choose(lines) is None:
            unasked = Unasked.of(self._registry, lines)
            found = replace(found, unasked=unasked.said, remedy=unasked.hint)
        return self._log_in(found, lines, answer.url, push=push)

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
        self._progress(f"for an answer of the mirror {reference.registry}")

        def ask() -> str:
            nonlocal has_image
            if by not in asked_for:
                session.ask(Call(action=f"reach {reference.registry}", registry=reference.registry))
                return "it answers"
            try:
                self._try_pull(session, reference)
            except NotFoundError:
                return "it answers, and has not got the image"
            has_image = True
            return "it has the image"

        answer = checked(ask, unreachable=None)
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
        login = search.credential
        return replace(
            found,
            steps=search.steps,
            used=login.words if login is not None else "",
            renewal=login.renewal if login is not None else "",
            trouble=search.failure,
        )

    def _log_in(
        self, found: Diagnosis, challenges: Sequence[Challenge], base: Url, *, push: bool
    ) -> Diagnosis:
        self._progress("for a login to be found")
        found = self._searched(found)
        if found.trouble is not None:
            return found
        self._progress(f"for {self._registry} to take the login")
        if any(challenge.scheme == "bearer" for challenge in challenges):
            found = replace(found, token=self._present(challenges, base))
        elif challenges or found.unasked:
            found = replace(found, sent=self._present(challenges, base))
        if self._is_mute:
            return self._untold(found, push=push)
        found = replace(found, login=self._login())
        if self._pulled is None or self._reference is None:
            return found
        self._progress(f"for what {self._registry} says of {self._pulled}")
        found = replace(found, pull=self._pull(self._pulled), absent=self._absent)
        if not push:
            return found
        self._progress(f"for an upload to {self._reference.name} to begin")
        found = replace(found, push=self._push(self._reference))
        return replace(found, untried=self._untried(self._reference) if found.can_push else "")

    def _untold(self, found: Diagnosis, *, push: bool) -> Diagnosis:
        """Ask no more where tokens are not to be had: every question would end in that."""
        allowed = found.token.allowed if found.token is not None else None
        unasked = Check(allowed=allowed, said="not asked: there is no token for it")
        has_image = self._pulled is not None
        return replace(
            found,
            tokenless=True,
            login=unasked,
            pull=unasked if has_image else None,
            push=unasked if has_image and push else None,
        )

    def _untried(self, reference: Reference) -> str:
        """Say what a registry tells only whoever really pushes."""
        tag = reference.tag or "latest"
        if self._pulled == reference and not self._absent:
            return (
                f"replacing the tag {tag}, which is there: a registry with immutable tags says so "
                "to a push only"
            )
        return f"setting the tag {tag}: rules for tags and manifests are told by a push only"

    def _present(self, challenges: Sequence[Challenge], base: Url) -> Check:
        """See what becomes of the login before the registry itself gets any of it.

        ``base`` is the URL that answered with the challenges.
        """

        def get() -> str:
            scopes = self._scopes("pull")
            authenticator = self._session.authenticator(self._registry)
            try:
                header = authenticator.renew(challenges, scopes, None, base=base)
            except PyjibError as error:
                self._is_mute = _is_mute(error)
                raise
            words = authenticator.words(scopes)
            if words.unasked:
                raise UnauthorizedError(f"no login is sent: {self._registry} {words.unasked}")
            if words.withheld is not None:
                raise UnauthorizedError(f"the login that was found is not sent: {words.withheld}")
            refused = authenticator.why_refused(scopes)
            if refused is not None:  # a token for nobody in particular tells nothing of the login
                raise UnauthorizedError(f"the login that was found is not accepted: {refused}")
            search = self._session.finder.known(self._registry, self._repository)
            if not header:
                raise UnauthorizedError("there is no login to send")
            if header.startswith("Basic "):
                return "user and password will be sent"
            if search and search.credential and header == search.credential.bearer:
                return "a ready token will be sent"
            return "a token was granted" + ("" if words.used else " without a login")

        return checked(get)

    def _login(self) -> Check:
        def ping() -> str:
            self._session.ask(Call(action=f"log in to {self._registry}", registry=self._registry))
            return "the registry answered"

        return checked(ping)

    def _pull(self, reference: Reference) -> Check:
        def get() -> str:
            try:
                return self._try_pull(self._session.at(self._namespace), reference)
            except NotFoundError:
                return self._why_absent(reference)

        return checked(get)

    def _try_pull(self, session: Session, reference: Reference) -> str:
        """See whether an image can be pulled; before a push only whether it is there."""
        if self._is_for_push:
            return trial.look(session, reference)
        return trial.fetch(session, reference)

    def _why_absent(self, reference: Reference) -> str:
        self._absent = True
        has_tags = trial.has_tags(self._session.at(self._namespace), reference)
        if has_tags is None:
            return "allowed, but the image is not there"
        self._has_repository = has_tags
        if not has_tags:
            return "allowed, but there is no such repository yet"
        return f"the repository is there, {reference.tag or reference.digest} is not"

    def _push(self, reference: Reference) -> Check:
        may_be_new = self._absent and not self._has_repository
        may_be_new |= self._pulled != reference  # the repository was not looked at
        if may_be_new and Ecr().serves(self._registry):
            said = "not tried: beginning an upload could make Amazon create the repository"
            return Check(allowed=None, said=said)
        return checked(lambda: trial.begin_upload(self._session, reference))

    def _scopes(self, *actions: str) -> Scopes:
        return (Scope.of_repository(self._repository, *actions),) if self._repository else ()


def _is_mute(error: PyjibError) -> bool:
    """Tell whether a token server cannot be talked to for now, whatever it is asked for."""
    if isinstance(error, RegistryError):
        return error.status in PASSING_STATUSES
    return isinstance(error, TransportError)


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
