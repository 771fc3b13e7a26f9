"""What tells two images apart: for an image that Jib made, and ours of the same project."""

from pyjib.compare.images import compare_images
from pyjib.compare.model import Comparison, Difference, Level

__all__ = ["Comparison", "Difference", "Level", "compare_images"]
