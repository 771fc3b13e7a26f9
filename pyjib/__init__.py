"""Builds container images for Java applications."""

__version__ = "0.1.0"
