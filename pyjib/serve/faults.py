"""Faults on purpose: a registry that misbehaves by rules (``docs/embedded-registry.md``).

A fault says which requests it is for and what becomes of them. It acts at one of three moments:
before the registry looks at a request, while the request's body comes in, or after the registry
has answered, on the answer. The first fault that fits acts; the rest only count.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cache

from pyjib.frozen import frozen
from pyjib.serve.altered import Altered
from pyjib.serve.interjected import Interjected, WatchedBody
from pyjib.serve.message import Answerer, BodyInterrupted, Flow, Headers, Request, Response, Slice

_FRAMING = frozenset({"content-length", "transfer-encoding"})


class Moment(StrEnum):
    """When a fault acts."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@frozen
class Fault:
    """One rule. ``name`` is what the journal calls it by.

    **Which requests.** ``method`` lists methods with ``|`` between, ``*`` is any; ``path`` is a
    glob of the whole path (``*`` within a component, ``**`` over several), or ``regex`` a regular
    expression instead; ``query`` and the values of ``headers`` are regular expressions that are
    searched for. ``calls`` are the first and the last of the requests that fit otherwise,
    counted from 1, ``None`` without end. ``state`` is what the layer has to be in; ``answered``
    the status of the registry's answer, for faults after it.

    **What happens**, in this order: the registry does not see the headers that ``hide`` names, if
    the fault comes before it and lets it answer; ``delay`` seconds pass; ``drop`` ends the
    connection with no answer; ``status``, ``headers`` (added, in place of those of the same name;
    a text may have ``{url}``, ``{path}``, ``{query}`` and ``{location}``, that of the answer),
    ``remove`` and ``body`` make or change the answer; then the body keeps ``shorten`` bytes,
    ``append`` is added, byte ``corrupt`` (negative: from the end) is flipped; and on its way out
    it is cut after ``truncate`` bytes, stalls at ``stall_at`` for ``stall`` seconds, or is
    ``endless``. What ``headers`` and ``remove`` say of the body's length is what the client is
    told. A fault of ``DURING`` acts when ``received`` bytes of the request's body have reached the
    registry. ``then`` is the state afterwards.
    """

    name: str = ""
    at: Moment = Moment.BEFORE
    method: str = "*"
    path: str = "**"
    regex: str | None = None
    query: str | None = None
    headers_match: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[int, int | None] = (1, None)
    state: str | None = None
    answered: int | None = None
    received: int = 0
    hide: frozenset[str] = frozenset()
    delay: float = 0.0
    drop: bool = False
    status: int | None = None
    headers: Headers = ()
    remove: frozenset[str] = frozenset()
    body: bytes | None = None
    shorten: int | None = None
    append: bytes = b""
    corrupt: int | None = None
    truncate: int | None = None
    stall_at: int = 0
    stall: float = 0.0
    endless: bool = False
    then: str | None = None

    def fits(self, request: Request) -> bool:
        """Tell whether the fault is for such requests, whatever was asked before."""
        methods = self.method.split("|")
        path = re.compile(self.regex) if self.regex is not None else _glob(self.path)
        return (
            ("*" in methods or request.method in methods)
            and path.fullmatch(request.path) is not None
            and (self.query is None or re.search(self.query, request.raw_query) is not None)
            and all(
                re.search(pattern, request.headers.get(name.lower(), "")) is not None
                for name, pattern in self.headers_match.items()
            )
        )

    @property
    def label(self) -> str:
        """Return the name, or a description where there is none."""
        return self.name or f"{self.at} {self.method} {self.regex or self.path}"

    @property
    def answers(self) -> bool:
        """Tell whether the fault has an answer of its own before the registry has one."""
        return self.status is not None or self.body is not None


@cache
def _glob(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", text)
    words = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts), re.DOTALL)


class FaultLayer:
    """Faults around a registry; safe for threads. ``url`` is the registry's own, for texts."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.url = ""
        self.state = ""
        self._faults = list(faults)
        self._counts = [0] * len(self._faults)
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def add(self, *faults: Fault) -> None:
        """Add faults behind those that are there."""
        with self._lock:
            self._faults += faults
            self._counts += [0] * len(faults)

    def clear(self) -> None:
        """Forget all faults, their counts and the state."""
        with self._lock:
            self._faults, self._counts, self.state = [], [], ""

    def open(self, url: str) -> None:
        """Be the faults of the registry at ``url``; delays take their time again."""
        self.url = url
        self._closing.clear()

    def close(self) -> None:
        """End all delays, those to come too."""
        self._closing.set()

    def pause(self, seconds: float) -> None:
        """Let time pass, unless the registry is being closed."""
        self._closing.wait(seconds)

    def answer(self, request: Request, inner: Answerer) -> Response:
        """Answer with whatever faults do to it; raises ``BodyInterrupted`` to hang up."""
        if not self._faults:
            return inner(request)
        early = self._pick(request, None)
        if early is not None and early.at is Moment.BEFORE:
            made = self._interject(early, request)
            if made is not None:
                return made
            request = request.without(early.hide)
        if early is not None and early.at is Moment.DURING:
            fault = early
            body = WatchedBody(
                request.body, fault.received, lambda: self._interject(fault, request)
            )
            request = request.with_body(body)
        try:
            response = inner(request)
        except Interjected as interjected:
            response = interjected.response
        late = self._pick(request, response.status)
        return response if late is None else self._altered(late, request, response)

    def _interject(self, fault: Fault, request: Request) -> Response | None:
        """Let a fault act on a request; ``None`` if the registry is to answer all the same."""
        self.pause(fault.delay)
        if fault.drop:
            raise BodyInterrupted("dropped on purpose", fault=fault.label)
        if not fault.answers:
            return None
        blank = Response(status=fault.status or 200)
        return self._shaped(fault, request, blank)

    def _altered(self, fault: Fault, request: Request, response: Response) -> Response:
        self.pause(fault.delay)
        if fault.drop:
            raise BodyInterrupted("dropped on purpose", fault=fault.label)
        return self._shaped(fault, request, response)

    def _pick(self, request: Request, status: int | None) -> Fault | None:
        """Count a request for each fault that it fits, and return the one that acts."""
        with self._lock:
            chosen = None
            for place, fault in enumerate(self._faults):
                if not self._concerns(fault, request, status):
                    continue
                self._counts[place] += 1
                first, last = fault.calls
                within = first <= self._counts[place] <= (last or self._counts[place])
                chosen = chosen or (fault if within else None)
            if chosen is not None and chosen.then is not None:
                self.state = chosen.then
            return chosen

    def _concerns(self, fault: Fault, request: Request, status: int | None) -> bool:
        if (status is None) is (fault.at is Moment.AFTER):
            return False
        if fault.state is not None and fault.state != self.state:
            return False
        return fault.answered in (None, status) and fault.fits(request)

    def _shaped(self, fault: Fault, request: Request, response: Response) -> Response:
        headers = dict(_lower(response.headers))
        texts = {"url": self.url, "path": request.path, "query": request.raw_query}
        texts["location"] = headers.get("location", "")
        new = tuple((name, _filled(value, texts)) for name, value in fault.headers)
        gone = {name.lower() for name in fault.remove} | {name.lower() for name, _ in new}
        kept = tuple(pair for pair in response.headers if pair[0].lower() not in gone)
        flow = Flow(
            cut=fault.truncate,
            stall_at=fault.stall_at,
            stall=fault.stall,
            endless=fault.endless,
            unframed=not _FRAMING.isdisjoint(gone),
        )
        return Response(
            status=fault.status or response.status,
            headers=(*kept, *new),
            body=_body(fault, response),
            fault=fault.label,
            flow=None if flow == Flow() else flow,
        )


def _lower(headers: Headers) -> Iterable[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _body(fault: Fault, response: Response) -> bytes | Slice:
    data = response.body if fault.body is None else fault.body
    if fault.shorten is None and not fault.append and fault.corrupt is None:
        return data
    altered = Altered.of(data, keep=fault.shorten, append=fault.append, flip=fault.corrupt)
    return Slice(content=altered, start=0, length=altered.size)
