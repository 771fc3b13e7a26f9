"""Stage 4: a base image and layers become an image, whose every invariant can be checked."""
