"""The registry client: OCI Distribution 1.1 over HTTP, for pulling and pushing.

``client.RegistryClient`` is the door. Behind it, from the wire upwards:

================  =============================================================================
``net/``          one request and one answer over connections that can be given up
``machine``       what Docker, Podman and ``containerd`` are set up with
``mirrors``       where to pull from
``endpoints``     which scheme and port a registry is spoken to by
``session``       a call: retries, redirects by hand, logins
``refusal``       answers that mean no, and no answer at all, as exceptions
``lifetime``      how long calls may take;  ``asides``: what registries say by the way
``login/``        finding logins, and answering what a 401 asks for
``calls/``        manifests, blobs, uploads, referrers, tags, deletes
``transfer``      a whole image, in the order that never shows a name without its content
================  =============================================================================

httpcore takes longer to import than most of pyjib, so only what ``net.wire`` needs imports it, and
``net.wire`` is imported by the first request.
"""
