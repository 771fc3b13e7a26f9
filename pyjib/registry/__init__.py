"""The registry client: OCI Distribution 1.1 over HTTP, for pulling and pushing.

``client.RegistryClient`` is the door. Behind it, from the wire upwards:

===================  ==========================================================================
``urls`` ``reach``   addresses: what belongs to whom, where a server may send us, what is logged
``wire`` ``tls``     one request and one answer, by httpx: the only place that knows it
``retry``            which failures pass, how long to wait, one gate for each host
``session``          a call: retries, redirects by hand, logins, refusals as exceptions
``challenge``        what a 401 asks for;  ``auth``, ``tokens``: answering it
``credentials``      where logins are found;  ``docker_config``, ``helpers``, ``login``
``manifests``        ``blobs``, ``uploads``, ``referrers``: the endpoints
``transfer``         a whole image, in the order that never shows a name without its content
===================  ==========================================================================

httpx takes longer to import than all of pyjib, so only ``wire`` and ``tls`` import it, and they
are imported by the first request.
"""
