"""Jib's words become pyjib's options: its configuration in a pom, its jib.yaml, its config.json.

Nothing here looks at the environment, and of the disk only at Jib's own files.
"""
