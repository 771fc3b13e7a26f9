"""What a diagnosis comes to in one line: yes or no to what was asked, and why."""

from __future__ import annotations

from enum import StrEnum

from pyjib.errors import RegistryError
from pyjib.frozen import frozen
from pyjib.registry.login.findings import Check, Diagnosis
from pyjib.registry.login.origins import CHECK
from pyjib.registry.net.retry import PASSING_STATUSES


class Question(StrEnum):
    """What is to be known of a registry."""

    LOGIN = "login"
    """Does it take the login that there is, or ask for none?"""
    PULL = "pull"
    """Would a build get the image, from wherever?"""
    PUSH = "push"
    """May one pull and push there? The image need not be there yet."""


@frozen
class Verdict:
    """The answer: yes, no, or ``None`` where that cannot be told; ``said`` is why, in one line."""

    ok: bool | None
    said: str


def verdict(found: Diagnosis, question: Question) -> Verdict:
    """Return what was found out as an answer."""
    ok = _answer(found, question)
    return Verdict(ok=ok, said=_yes(found, question) if ok else _no(found, question))


def _answer(found: Diagnosis, question: Question) -> bool | None:
    if _is_yes(found, question):
        return True
    if found.trouble is not None:
        answer = found.trouble if isinstance(found.trouble, RegistryError) else None
        return None if answer is not None and answer.status in PASSING_STATUSES else False
    if found.stranger or (found.absent and question is Question.PULL):
        return False
    checks = {
        Question.LOGIN: (found.presented, found.login),
        Question.PULL: (found.pull,),
        Question.PUSH: (found.pull, found.push),
    }[question]
    answers = {check.allowed for check in checks if check is not None}
    if False in answers:
        return False
    has_none = question is Question.LOGIN and bool(found.challenges) and not found.used
    return False if has_none and None not in answers else None


def _is_yes(found: Diagnosis, question: Question) -> bool:
    if question is Question.LOGIN:
        return found.is_logged_in
    if question is Question.PULL:
        return found.can_pull
    # What is pushed for the first time is not there yet.
    may_pull = found.can_pull or (found.pull is not None and bool(found.pull.allowed))
    return may_pull and found.can_push


def _yes(found: Diagnosis, question: Question) -> str:
    if question is Question.LOGIN and not found.challenges:
        return f"{found.asked} asks for no login"
    if question is Question.LOGIN:
        return f"{found.asked} takes the login from {found.used}"
    if question is Question.PUSH:
        return "pulling and pushing are allowed"
    mirror = next((mirror for mirror in found.mirrors if mirror.has_image), None)
    if mirror is not None:
        return f"it can be pulled from the mirror {mirror.reference}"
    return "the image is there, and may be pulled"


def _no(found: Diagnosis, question: Question) -> str:
    if found.trouble is not None:
        return found.trouble.message
    if found.stranger:
        return f"{found.asked} seems to be no registry: it answered GET /v2/ with {found.stranger}"
    if question is Question.LOGIN:
        return _why(found, found.login)
    if found.pull is None or not found.pull.allowed:
        return f"{_what('pull', found.pull)}: {_why(found, found.pull)}"
    if question is Question.PULL:
        return f"the image is not there: {found.pull.said}"
    return f"{_what('push', found.push)}: {_why(found, found.push)}"


def _what(action: str, check: Check | None) -> str:
    is_known = check is not None and check.allowed is False
    return f"{action} is not allowed" if is_known else f"whether {action} is allowed"


def _why(found: Diagnosis, check: Check | None) -> str:
    """Say what stands in the way, and what helps."""
    presented = found.presented
    if found.unasked:
        return f"{found.asked} {found.unasked}; {found.remedy}"
    if presented is not None and (found.tokenless or presented.allowed is None):
        return presented.said
    if check is not None and check.allowed is None:
        return check.said
    refused = presented is not None and presented.allowed is False
    denied = found.login is not None and found.login.allowed is False
    if found.challenges and (refused or denied or not found.used):
        return _why_not_taken(found, presented)
    return check.said if check is not None else "it was not asked"


def _why_not_taken(found: Diagnosis, presented: Check | None) -> str:
    if not found.used:
        return f"no login; run pyjib login {found.asked}"
    if presented is not None and not presented.allowed:
        if "is not sent: " in presented.said:
            return presented.said
        if found.repository and found.login is not None and found.login.allowed:
            where = f"{found.asked}/{found.repository}"
            return f"the login from {found.used} has no right to {where}; ask its owner for it"
    help_ = found.renewal or CHECK
    return f"the login from {found.used} is not accepted; {help_}"
