"""Stage 1: from a path on disk to a ``Project``, or to the files that a caller lists.

``read.read_project`` is the stage; ``app_archive`` and ``listed_files`` read what jib-cli builds.
"""
