"""Maven projects without Maven: POMs to a class path, in Python alone.

``effective`` reads a POM with all that bears on it; what it means is in ``model``.
"""
