"""Which provider serves a registry: by its host, so that nobody else's login is ever made."""

from __future__ import annotations

from pyjib.options import HostEnvironment
from pyjib.registry.login.cloud.azure import Azure
from pyjib.registry.login.cloud.ecr import Ecr
from pyjib.registry.login.cloud.forges import GitHub, GitLab
from pyjib.registry.login.cloud.google import Google
from pyjib.registry.login.cloud.model import Provider

_PROVIDERS: tuple[Provider, ...] = (Ecr(), Google(), Azure(), GitHub())


def provider_of(registry: str, host: HostEnvironment) -> Provider | None:
    """Return the provider of a registry's logins, ``None`` for registries of nobody known."""
    name = registry.lower()
    providers = (*_PROVIDERS, GitLab(own=host.get("CI_REGISTRY") or ""))
    return next((provider for provider in providers if provider.serves(name)), None)
