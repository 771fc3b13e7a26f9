"""The endpoints of OCI Distribution 1.1, a module for each kind of content.

``uploads`` sends a blob by one rung of the ``ladder`` after another: ``upload_ways`` has the ways,
``upload_session`` what the registry says of one, ``chunks`` the last rung. ``streams`` send blobs
while they are made: a ``blob_stream`` each, out of a ``pipe``. ``paging`` is for lists.
"""
