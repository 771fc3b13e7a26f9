"""The registry client: OCI Distribution 1.1 over HTTP, for pulling and pushing.

``client.RegistryClient`` is the door. Behind it, from the wire upwards:

===================  ==========================================================================
``urls`` ``reach``   addresses: what belongs to whom, where a server may send us, what is logged
``sockets``          connections that can be given up;  ``tls``, ``certificates``, ``proxies``
``wire``             one request and one answer;  ``pools``, and ``failures`` as errors of ours
``machine``          what Docker and Podman are set up with;  ``mirrors``: where to pull from
``retry``            which failures pass, how long to wait, one gate for each host
``session``          a call: retries, redirects by hand, logins, refusals as exceptions
``challenge``        what a 401 asks for;  ``auth``, ``tokens``, ``sites``: answering it
``credentials``      finding logins;  ``sources``, ``docker_config``, ``helpers``, ``cloud``: where
``diagnosis``        why a login is not taken;  ``login``: keeping one
``manifests``        ``blobs``, ``uploads``, ``referrers``, ``tags``, ``deletes``: the endpoints
``upload_ways``      sending a blob by one rung of the ``ladder`` after another;  ``chunks``
``transfer``         a whole image, in the order that never shows a name without its content
===================  ==========================================================================

httpcore takes longer to import than most of pyjib, so only what ``wire`` needs imports it, and
``wire`` is imported by the first request.
"""
