"""The fault layer, seen from the wire, and the files that faults are read from."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.oci.blob import Blob
from pyjib.serve import Exchange, Fault, Moment, RegistryServer, parse_faults, read_faults
from tests.support.registry import put_blob
from tests.support.wire import Wire

BLOB = Blob.of_bytes(b"0123456789" * 10, "x/y")
PATH = f"/v2/a/blobs/{BLOB.descriptor.digest}"


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as opened:
        put_blob(opened, "a", BLOB)
        yield opened


@pytest.fixture
def wire(server: RegistryServer) -> Iterator[Wire]:
    with Wire(server.address) as opened:
        yield opened


def on_blob(**more: Any) -> Fault:
    return Fault(at=Moment.AFTER, method="GET", path="/v2/**/blobs/*", **more)


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        (Fault(), 4),
        (Fault(method="GET"), 4),
        (Fault(method="PUT|POST"), 0),
        (Fault(path="/v2/*/blobs/*"), 4),
        (Fault(path="/v2/*"), 0),
        (Fault(path="/v2/**"), 4),
        (Fault(regex="/v2/[a-z]/.+"), 4),
        (Fault(query="x=1$"), 4),
        (Fault(query="^1"), 0),
        (Fault(headers_match={"Accept": "z"}), 4),
        (Fault(headers_match={"Nothing": "z"}), 0),
        (Fault(calls=(2, 3)), 2),
        (Fault(calls=(3, None)), 2),
        (Fault(state="on"), 0),
        (Fault(at=Moment.AFTER, answered=404), 0),
        (Fault(at=Moment.AFTER, answered=200), 4),
    ],
)
def test_which_requests(server: RegistryServer, wire: Wire, fault: Fault, count: int) -> None:
    server.faults.add(replace(fault, status=418))
    found = [wire.send("GET", f"{PATH}?x=1", accept="xyz").status for _ in range(4)]
    assert found.count(418) == count


def test_the_first_that_fits_acts_and_all_count(server: RegistryServer, wire: Wire) -> None:
    server.faults.add(
        Fault(calls=(1, 1), status=500), Fault(calls=(1, 2), status=502), Fault(calls=(4, 4))
    )
    assert [wire.send("GET", PATH).status for _ in range(3)] == [500, 502, 200]


def test_states(server: RegistryServer, wire: Wire) -> None:
    server.faults.add(
        Fault(state="", status=503, then="warm"), Fault(state="warm", status=502, then="hot")
    )
    assert [wire.send("GET", PATH).status for _ in range(3)] == [503, 502, 200]
    assert server.faults.state == "hot"
    server.faults.clear()
    assert server.faults.state == ""


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"shorten": 3}, b"012"),
        ({"append": b"xy"}, b"0123456789" * 10 + b"xy"),
        ({"corrupt": 0, "shorten": 2}, bytes([0xCF]) + b"1"),
        ({"corrupt": -1, "shorten": 2}, b"0" + bytes([0xCE])),
        ({"body": b"other"}, b"other"),
        ({"stall": 0.001, "stall_at": 50}, b"0123456789" * 10),
    ],
)
def test_bodies(server: RegistryServer, wire: Wire, change: dict[str, Any], body: bytes) -> None:
    server.faults.add(on_blob(name="odd", **change))
    reply = wire.send("GET", PATH)
    assert (reply.status, reply.body) == (200, body)
    assert reply["Content-Length"] == str(len(body))
    assert server.journal[-1].fault == "odd"
    assert "[odd]" in str(server.journal[-1])


def test_headers_and_texts(server: RegistryServer, wire: Wire) -> None:
    lines = (("X-A", "{url}{path}?{query}"), ("X-A", "2"), ("content-type", "x/y"))
    server.faults.add(on_blob(headers=lines, remove=frozenset({"ETag"})))
    reply = wire.send("GET", f"{PATH}?q=1")
    assert reply.headers.get_all("X-A") == [f"{server.url}{PATH}?q=1", "2"]
    assert reply.headers.get_all("Content-Type") == ["x/y"]
    assert reply.headers["ETag"] is None


@pytest.mark.parametrize(
    ("change", "told", "body"),
    [
        ({"headers": (("content-length", "5"),)}, "5", b"01234"),
        ({"remove": frozenset({"Content-Length"})}, None, b"0123456789" * 10),
    ],
)
def test_lengths_that_are_not_those_of_the_body(
    server: RegistryServer, wire: Wire, change: dict[str, Any], told: str | None, body: bytes
) -> None:
    server.faults.add(on_blob(**change))
    reply = wire.send("GET", PATH)
    assert (reply.headers.get_all("Content-Length"), reply.body) == (told and [told], body)


def test_delays_after_a_restart() -> None:
    with RegistryServer(faults=[Fault(delay=0.05)]) as server:
        server.close()
        server.start()
        began = time.monotonic()
        with Wire(server.address) as wire:
            assert wire.send("GET", "/v2/").status == 200
        assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("fault", [on_blob(truncate=10), on_blob(drop=True)])
def test_connections_that_end(server: RegistryServer, wire: Wire, fault: Fault) -> None:
    server.faults.add(fault)
    with pytest.raises((http.client.HTTPException, OSError)):
        wire.send("GET", PATH)


def test_closing_ends_every_delay(server: RegistryServer) -> None:
    server.faults.add(on_blob(stall=1000.0, stall_at=1))
    connection = http.client.HTTPConnection(server.address, timeout=120)
    connection.request("GET", PATH)
    assert connection.getresponse().read(1) == b"0"
    began = time.monotonic()
    server.close()
    connection.close()
    assert time.monotonic() - began < 60


def test_what_came_before_a_fault_within_the_body_is_kept(
    server: RegistryServer, wire: Wire
) -> None:
    server.faults.add(Fault(at=Moment.DURING, method="PATCH", received=4, status=503, calls=(1, 1)))
    location = wire.send("POST", "/v2/a/blobs/uploads/")["Location"]
    assert wire.send("PATCH", location, b"0123456789").status == 503
    with Wire(server.address) as other:
        assert other.send("GET", location)["Range"] == "0-3"
        assert other.send("PATCH", location, b"456789", Content_Range="4-9").status == 202


FILE = """
faults:
  - name: busy
    match: {method: [POST, put], path: "/v2/**/uploads/", calls: 1-2, query: "a=b", state: "x",
            headers: {Content-Length: "^0$"}}
    before: {status: 503, delay: 0.5, headers: {Retry-After: 2, X-A: [a, b]}, body: busy}
    then: y
  - match: {regex: "/v2/.*", answered: 200}
    after: {redirect: "{url}/there", remove: [ETag], stall: {at: 3, seconds: 1}, truncate: 9}
  - match: {calls: 3}
    during: {received: 1000, drop: true}
  - before: {hide: range}
  - after: {status: 400, json: {errors: []}, corrupt: -1, append: x, shorten: 1, endless: true}
"""


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(FILE)
    busy, redirect, drop, hide, last = read_faults(path)
    assert busy == Fault(
        name="busy",
        method="POST|PUT",
        path="/v2/**/uploads/",
        calls=(1, 2),
        query="a=b",
        state="x",
        headers_match={"Content-Length": "^0$"},
        status=503,
        delay=0.5,
        headers=(("Retry-After", "2"), ("X-A", "a"), ("X-A", "b")),
        body=b"busy",
        then="y",
    )
    assert (redirect.status, redirect.headers) == (307, (("Location", "{url}/there"),))
    assert (redirect.stall_at, redirect.stall, redirect.truncate) == (3, 1.0, 9)
    assert redirect.answered == 200
    assert (drop.at, drop.calls, drop.received, drop.drop) == (Moment.DURING, (3, 3), 1000, True)
    assert hide.hide == frozenset({"range"})
    assert (last.body, last.corrupt, last.append) == (b'{"errors":[]}', -1, b"x")
    path.write_text(json.dumps({"faults": [{"match": {"calls": "2-"}, "before": {"drop": True}}]}))
    assert read_faults(path) == (Fault(calls=(2, None), drop=True),)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "faults: a list"),
        ({"faults": 1}, "faults: a list"),
        ([{}], "faults[0]: one of before"),
        ([{"before": {}, "after": {}}], "faults[0]: one of before"),
        ([{"before": {"stauts": 1}}], "faults[0].before.stauts: unknown"),
        ([{"before": {"status": "1"}}], "faults[0].before.status: a whole number"),
        ([{"before": {"status": True}}], "faults[0].before.status: a whole number"),
        ([{"before": {"delay": -1}}], "faults[0].before.delay: a number of seconds"),
        ([{"before": {"drop": 1}}], "faults[0].before.drop: true or false"),
        ([{"before": {"headers": {"A": "b\r\nc"}}}], "faults[0].before.headers.A: no header"),
        ([{"before": {"body": 1}}], "faults[0].before.body: text"),
        ([{"before": {}, "match": {"calls": "x"}}], "faults[0].match.calls: a number"),
        ([{"before": {}, "match": {"regex": "("}}], "faults[0].match.regex: not a regular"),
        ([{"before": {}, "match": []}], "faults[0].match: an object"),
        ([{"before": {}, "then": 1}], "faults[0].then: text"),
        ([{"before": False}], "faults[0].before: an object"),
        ([{"before": {"received": 1}}], "faults[0].before.received: that is for during alone"),
        ([{"after": {"hide": "range"}}], "faults[0].after.hide: that is for before alone"),
        ([{"before": {}, "match": {"answered": 200}}], "faults[0].match.answered: that is for"),
        ([{"before": {"truncate": 9}}], "faults[0].before.truncate: there is no answer yet"),
        ([{"during": {"headers": {"A": "b"}}}], "faults[0].during.headers: there is no answer"),
        ([{"before": {"body": "a", "json": 1}}], "faults[0].before: body or json"),
        ([{"before": {}, "match": {"path": "**", "regex": "."}}], "faults[0].match: path or"),
        ([{"before": {"status": 0}}], "faults[0].before.status: a status has three digits"),
        ([{"after": {}, "match": {"answered": 20}}], "faults[0].match.answered: a status"),
        ([{"after": {"stall": {"at": 1}}}], "faults[0].after.stall.seconds: a number"),
        ([{"before": {}, "match": {"calls": 0}}], "faults[0].match.calls: a number from 1"),
        ([{"before": {}, "match": {"calls": "3-1"}}], "faults[0].match.calls: a number from 1"),
        ([{"before": {}, "match": {"method": "GET, PUT"}}], "faults[0].match.method: a method"),
        ([{"before": {}, "match": {"path": "v2/**"}}], "faults[0].match.path: paths begin"),
        ([{"before": {}, "match": {"headers": {"A": None}}}], "faults[0].match.headers.A: text"),
    ],
)
def test_files_that_say_nothing_sensible(document: object, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_faults(document)
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize("text", [": :", "[" * 5000, "a: *b", "\x00"])
def test_files_that_are_no_yaml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"faults\.yaml"):
        read_faults(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_faults(tmp_path / "none")


def test_a_journals_line_has_no_login() -> None:
    exchange = Exchange(
        method="GET",
        path="/",
        query="",
        status=200,
        received=0,
        sent=1,
        seconds=0.1,
        headers={"authorization": "Basic c2VjcmV0", "cookie": "secret", "accept": "x"},
    )
    line = json.dumps(exchange.to_json())
    assert "c2VjcmV0" not in line
    assert "secret" not in line
    assert json.loads(line)["login"] == "Basic"
