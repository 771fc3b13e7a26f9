"""Stage 5: an image goes to a registry, a daemon, an archive or an OCI layout."""
