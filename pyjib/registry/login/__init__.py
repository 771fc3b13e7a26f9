"""Logins: where they are found, what a registry asks for, and what it is told.

``credentials`` finds a login among ``sources``: Docker's and Podman's files (``docker_config``),
``helpers``, and ``cloud`` where one runs us. ``challenge`` is what a 401 asks for; ``auth`` answers
it, with ``tokens`` for each ``scope``, which go to hosts of the registry's own ``sites`` alone.
``keeping`` is what ``pyjib login`` does, ``diagnosis`` what ``pyjib doctor`` tells.
"""
