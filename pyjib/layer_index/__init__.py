"""Layers that need not be packed again, for a registry has them.

A fresh machine has an empty store, but the registry has the image of the last build. Which of
its layers are ours is told by the image itself (``from_image``), or by an index that is kept as
an artifact in a registry (``artifact``). What they tell is a claim: ``repository`` looks at the
bytes, and docs/adr/009-layer-index.md says what a lie could do.
"""

from __future__ import annotations

from pyjib.layer_index.index import LayerIndex, open_layer_index

__all__ = ["LayerIndex", "open_layer_index"]
