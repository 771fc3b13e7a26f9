"""The Docker Engine API, spoken to Docker and Podman over their own sockets.

No ``docker`` program is run, unless the caller names one (``program``). ``endpoint`` works out
where the daemon is, by the same variables, contexts and files as Docker's own client; ``client``
speaks to it; ``messages`` reads the stream in which it reports, for a load that failed is
answered with status 200 too.
"""
