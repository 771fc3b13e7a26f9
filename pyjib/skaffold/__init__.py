"""What Jib's plugins tell Skaffold, word for word (``jib-plugins-and-cli`` §6)."""

from pyjib.skaffold.documents import (
    announce,
    files_document,
    init_document,
    path_list,
    sync_document,
)

__all__ = ["announce", "files_document", "init_document", "path_list", "sync_document"]
