"""How long builds take as whole processes, beside their peers: ``scripts/bench``."""
