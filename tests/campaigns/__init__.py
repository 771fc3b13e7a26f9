"""Campaigns: builds that are killed, that share, that find no room; ``scripts/crash`` runs them.

What they check is told in ``docs/reliability.md``.
"""
