"""Stage 1: from a path on disk to a ``Project``."""
