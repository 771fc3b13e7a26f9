"""Registries of the forges, in their own CI: the job's token is in the environment."""

from __future__ import annotations

from pyjib.frozen import frozen
from pyjib.registry.login.cloud.model import CloudTools, NotHere, Result
from pyjib.registry.login.credential import Credential


class GitHub:
    """ghcr.io, with the token of an Actions job or of GitHub's command line.

    The registry looks at the token alone; the user's name may be any.
    """

    name = "GitHub"
    helpers: tuple[str, ...] = ()

    def serves(self, registry: str) -> bool:
        """Tell whether a registry is of this kind, by its host alone."""
        return registry == "ghcr.io"

    def login(self, registry: str, tools: CloudTools) -> Result:  # noqa: ARG002  Provider's signature
        """Return the environment's login."""
        for name in ("GITHUB_TOKEN", "GH_TOKEN"):
            token = tools.host.get(name)
            if token is not None:
                user = tools.host.get("GITHUB_ACTOR") or "token"
                return Credential(source=name, username=user, password=token)
        return NotHere(said="GITHUB_TOKEN is not set")


@frozen
class GitLab:
    """The registry ``own`` of the GitLab whose job this is; empty where this is none."""

    own: str
    name: str = "GitLab"
    helpers: tuple[str, ...] = ()

    def serves(self, registry: str) -> bool:
        """Tell whether a registry is the job's own."""
        return registry == self.own.lower()

    def login(self, registry: str, tools: CloudTools) -> Result:  # noqa: ARG002  Provider's signature
        """Return the job's login."""
        user, password = (
            tools.host.get(name) for name in ("CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD")
        )
        if user is None or password is None:
            return NotHere(said="CI_REGISTRY_USER and CI_REGISTRY_PASSWORD are not set")
        return Credential(source="CI_REGISTRY_PASSWORD", username=user, password=password)
