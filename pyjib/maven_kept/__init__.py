"""What Maven projects were worked out to, kept from one build to the next.

A project that was worked out lies in the store with a trace of all that it depends on; it counts
only while a fresh working-out would come to the same (docs/adr/010-kept-projects.md).
"""

from pyjib.maven_kept.kept import KeptProjects, Recording

__all__ = ["KeptProjects", "Recording"]
