"""The tags of a repository."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pyjib.errors import MalformedDocumentError
from pyjib.oci.json import load
from pyjib.oci.reference import Reference
from pyjib.registry.calls.paging import MAX_PAGE, pages
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.message import Call, Reply
from pyjib.registry.session import Session

_PAGE = 1000  # Amazon ECR answers with an error above


def list_all(session: Session, name: Reference, scopes: Scopes) -> list[str]:
    """Return all tags in the registry's order. Raises ``NotFoundError``."""
    call = Call(
        action=f"list the tags of {name.name}",
        registry=name.registry,
        target=f"/v2/{name.repository}/tags/list?n={_PAGE}",
        scopes=scopes,
    )
    found: dict[str, None] = {}
    last: list[str] = []

    def further() -> str | None:
        # Some cut a list to what was asked for and link to no other page.
        return f"{call.target}&last={quote(last[-1], safe='')}" if len(last) == _PAGE else None

    for page in pages(session, call, further):
        before = len(found)
        last = _tags(page, name)
        found.update(dict.fromkeys(last))
        if len(found) == before:
            break
    return list(found)


def has_any(session: Session, name: Reference, scopes: Scopes, patience: float) -> bool:
    """Tell, by a single attempt, whether a repository is there and has a tag.

    Raises ``Passing`` too.
    """
    call = Call(
        action=f"see whether {name.name} is new",
        registry=name.registry,
        target=f"/v2/{name.repository}/tags/list?n=1",
        scopes=scopes,
        accepted=frozenset({200, 404}),
        patience=patience,
    )
    reply = session.once(call)
    return reply.status == 200 and bool(_tags(reply, name))


def _tags(page: Reply, name: Reference) -> list[str]:
    try:
        tags: Any = load(page.data, "list of tags", limit=MAX_PAGE).get("tags") or []
    except MalformedDocumentError:
        tags = None
    if not isinstance(tags, list) or not all(map(_is_text, tags)):
        raise MalformedDocumentError(f"{name.registry} sent no list of tags for {name.name}")
    return tags


def _is_text(tag: object) -> bool:
    # Not more is asked, for old registries had tags that are none today; but these are shown.
    return isinstance(tag, str) and tag.isprintable()
