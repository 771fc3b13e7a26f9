"""The tags of a repository."""

from __future__ import annotations

import json
from typing import Any

from pyjib.errors import MalformedDocumentError
from pyjib.oci.reference import Reference
from pyjib.registry.message import Call, Reply
from pyjib.registry.paging import pages
from pyjib.registry.scope import Scopes
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
    for page in pages(session, call):
        before = len(found)
        found.update(dict.fromkeys(_tags(page, name)))
        if len(found) == before:
            break
    return list(found)


def _tags(page: Reply, name: Reference) -> list[str]:
    try:
        document: Any = json.loads(page.data)
        tags = document.get("tags") or []
    except (ValueError, AttributeError, RecursionError):
        tags = None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise MalformedDocumentError(f"{name.registry} sent no list of tags for {name.name}")
    return tags
