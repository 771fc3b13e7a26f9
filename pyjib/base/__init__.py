"""Base images in: from a registry, a daemon, an archive, an OCI layout, or from nothing."""
