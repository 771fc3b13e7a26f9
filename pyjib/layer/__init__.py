"""Stage 3: a plan's layers become compressed tars, packed once for equal content.

``pack.pack_layers`` is the stage. ``tar`` writes the bytes that Jib would, ``compress`` is the
one door to compression and back, ``cache_key`` tells equal layers from different ones.
"""
