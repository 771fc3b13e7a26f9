from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.engine.messages import loaded_names, messages
from pyjib.errors import EngineError


@given(
    documents=st.lists(st.dictionaries(st.text(), st.text()), max_size=5),
    separator=st.sampled_from([b"", b"\n", b"\r\n", b" \n\n"]),
    size=st.integers(1, 7),
    ascii_only=st.booleans(),
)
def test_objects_arrive_whole_however_they_are_cut(
    documents: list[dict[str, str]], separator: bytes, size: int, ascii_only: bool
) -> None:
    data = separator.join(
        json.dumps(document, ensure_ascii=ascii_only).encode(errors="replace")
        for document in documents
    )
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    expected = [json.loads(json.dumps(document)) for document in documents]
    if ascii_only:
        assert list(messages(chunks)) == expected
    else:
        assert len(list(messages(chunks))) == len(expected)


@pytest.mark.parametrize(
    ("stream", "names"),
    [
        ([b'{"stream":"Loaded image: a:1\\n"}\n'], ("a:1",)),
        ([b'{"stream":"Loaded image ID: sha256:ab\\n"}'], ("sha256:ab",)),
        ([b'{"stream":"Loaded image: a:1"}{"stream":"Loaded image: a:2"}'], ("a:1", "a:2")),
        ([b'{"stream":"Loaded image(s): localhost/a:1,b:2"}'], ("localhost/a:1", "b:2")),
        (
            [
                b'{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"x"}\r\n',
                b'{"stream":"The image a:1 already exists, renaming the old one\\n"}\r\n',
                b'{"stream":"Loaded image: a:1\\n"}\r\n',
            ],
            ("a:1",),
        ),
    ],
)
def test_loaded(stream: list[bytes], names: tuple[str, ...]) -> None:
    assert loaded_names(stream) == names


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        ([b'{"errorDetail":{"message":"no space"},"error":"no space"}'], "no space"),
        ([b'{"error":"old style"}'], "old style"),
        ([b'{"errorDetail":{}}'], "does not name"),
        ([b'{"stream":"Loaded image: a:1"}{"errorDetail":{"message":"late"}}'], "late"),
        (
            [b'{"stream":"Loaded image: a:1"}{"stream":"Error unpacking image a:1: gone\\n"}'],
            "Error unpacking image a:1: gone",
        ),
        ([b""], "does not say that it loaded anything"),
        ([b'{"stream":"Hm.\\n"}'], "last words: Hm"),
        ([b'{"stream":"Loaded image: a'], "cut short"),
        ([b"<html>"], "cut short or not what a daemon says"),
        ([b"[1]"], "not what a daemon says"),
        ([b'{"stream":"', *[b"x" * 100_000] * 12], "cut short"),
    ],
)
def test_failures(stream: list[bytes], reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        loaded_names(stream)
