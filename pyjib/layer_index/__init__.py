"""Layers that need not be packed again, for a registry has them.

A fresh machine has an empty store, but the registry has the image of the last build. Which of
its layers are ours is told by the image itself (``from_image``), or by an index that is kept as
an artifact in a registry (``artifact``). What they tell is a claim: it is believed where somebody
with a key has signed it (``vouched``), and else looked into (``recognised``).
docs/adr/009-layer-index.md says what a lie could do, and docs/adr/011-signed-layer-index.md what
keys are for.
"""

from __future__ import annotations

from pyjib.layer_index.index import LayerIndex
from pyjib.layer_index.opening import open_layer_index

__all__ = ["LayerIndex", "open_layer_index"]
