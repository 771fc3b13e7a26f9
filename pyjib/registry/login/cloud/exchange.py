"""Requests to the services that hand out logins: one secret in, another out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from pyjib.errors import CancelledError, PyjibError, RegistryError, TransportError
from pyjib.frozen import frozen
from pyjib.oci.json import Json
from pyjib.registry.login.cloud.model import CloudTools
from pyjib.registry.login.credential import conceal
from pyjib.registry.net.message import Body, Call, Reply
from pyjib.registry.net.retry import Passing
from pyjib.registry.net.urls import Url

MAX_REPLY = 64 * 1024
PATIENCE = 30.0
METADATA_PATIENCE = 2.0
"""Seconds that a machine's metadata service, which is next door, may take."""
FORM = "application/x-www-form-urlencoded"
_ANY_STATUS = frozenset(range(200, 600))
_LONGEST_LIFE = 10**9


@frozen
class Exchange:
    """Talks to the services that lead to a login to one registry.

    ``secrets`` are taken out of what errors say, in case a service repeats what it was sent.
    """

    registry: str
    tools: CloudTools
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hiding(self, *secrets: str) -> Exchange:
        """Return an exchange that hides these too."""
        return Exchange(registry=self.registry, tools=self.tools, secrets=(*self.secrets, *secrets))

    def send(self, call: Call, *, metadata: bool = False) -> Reply:
        """Make a call; raises ``PyjibError``."""
        send = self.tools.once if metadata else self.tools.ask
        try:
            return send(replace(call, chosen=True), MAX_REPLY)
        except CancelledError:
            raise
        except Passing as passing:
            failure = passing.error
        except PyjibError as error:
            failure = error
        raise self._without_secrets(failure) from None

    def get(
        self,
        url: Url,
        action: str,
        headers: Mapping[str, str] | None = None,
        *,
        metadata: bool = False,
    ) -> Reply:
        """GET; ``metadata`` is for services on this machine or next to it."""
        call = self.call(url, action, headers=headers or {}, metadata=metadata)
        return self.send(call, metadata=metadata)

    def post_form(
        self,
        url: Url,
        action: str,
        form: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST a form."""
        return self.send(
            self.call(
                url,
                action,
                method="POST",
                headers={"Content-Type": FORM, **(headers or {})},
                body=urlencode(form).encode(),
            )
        )

    def call(
        self,
        url: Url,
        action: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str],
        body: bytes | None = None,
        metadata: bool = False,
    ) -> Call:
        """Return a call that carries a secret: no other host sees it, whatever a server says."""
        return Call(
            action=action,
            registry=self.registry,
            method=method,
            url=url,
            headers={"Accept": "application/json", **headers},
            body=None if body is None else Body.of(body),
            patience=METADATA_PATIENCE if metadata else PATIENCE,
            bare=True,
            sealed=True,
        )

    def time_of(self, url: Url) -> datetime:
        """Return what the time is for a service, so that this machine's clock does not matter.

        A signature is judged by the clock of the service that checks it.
        """
        action = f"ask {url.authority} for the time"
        call = Call(
            action=action,
            registry=self.registry,
            url=url.at("/"),
            accepted=_ANY_STATUS,
            bare=True,
            sealed=True,
            patience=PATIENCE,
        )
        told = date_of(self.send(call).headers)
        if told is None:
            raise TransportError(f"cannot {action}: its answer has no date, which signing needs")
        return told

    def _without_secrets(self, error: PyjibError) -> PyjibError:
        message = conceal(error.message, self.secrets)
        status = error.status if isinstance(error, RegistryError) else None
        return RegistryError(message, status=status)


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the ``Date`` of an answer."""
    try:
        found = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else None


def document_of(reply: Reply, action: str) -> Json:
    """Return an answer's JSON object; raises ``RegistryError`` for anything else."""
    try:
        document: Any = json.loads(reply.data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RegistryError(f"cannot {action}: {reply.url.authority} sent no JSON object")
    return document


def text_in(document: Json, name: str, reply: Reply, action: str) -> str:
    """Return a member that is a text fit for a header; raises ``RegistryError``."""
    value = document.get(name)
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise RegistryError(f"cannot {action}: the answer of {reply.url.authority} has no {name}")
    return value


def ends_after(seconds: object) -> float | None:
    """Return the monotonic time so many seconds from now; they may be in a text."""
    if isinstance(seconds, str) and seconds.isdecimal():
        seconds = float(seconds[:12])
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    return time.monotonic() + float(max(0, min(seconds, _LONGEST_LIFE)))
