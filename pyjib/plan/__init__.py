"""Stage 2: from a ``Project`` and ``BuildOptions`` to a ``BuildPlan``. Pure."""
