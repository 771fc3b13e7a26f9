"""The vocabulary of container images as values: no input, no output, no clock."""
