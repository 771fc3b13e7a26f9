"""Requests and answers over connections that can be given up: nothing here knows what a blob is.

``wire`` is one request and one answer, and the only module that loads httpcore: it is imported by
the first request. ``sockets`` are the connections, ``pools`` keep them, ``tls`` with
``certificates`` and ``proxies`` tell how they are made; ``failures`` turns what goes wrong into
errors of ours, and ``retry`` says which of these pass. ``urls`` and ``reach`` know what belongs to
whom, and where a server may send us.
"""
