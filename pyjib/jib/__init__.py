"""Jib's words become pyjib's options: its configuration in a pom, its jib.yaml, its config.json.

Pure: each reader takes what others read from disk, and nothing here looks at the environment.
"""
