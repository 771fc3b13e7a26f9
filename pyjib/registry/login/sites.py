"""Which hosts belong together: one owner, as far as names tell.

A registry may name another host as the one that hands out its tokens. A login goes there only if
that is the registry's own site; otherwise any registry could collect the logins of others.
"""

from __future__ import annotations

from pyjib.registry.net.reach import is_loopback, reach_of

_SHARED = frozenset(
    {
        "amazonaws.com",
        "amazonaws.com.cn",
        "amazonaws.eu",
        "appspot.com",
        "azurecr.cn",
        "azurecr.io",
        "azurecr.us",
        "azurewebsites.net",
        "cloudapp.net",
        "cloudfront.net",
        "digitaloceanspaces.com",
        "firebaseapp.com",
        "fly.dev",
        "gcr.io",
        "github.dev",
        "github.io",
        "githubpreview.dev",
        "gitlab.io",
        "herokuapp.com",
        "jfrog.io",
        "netlify.app",
        "ngrok-free.app",
        "ngrok.app",
        "ngrok.io",
        "nip.io",
        "onrender.com",
        "pages.dev",
        "pkg.dev",
        "run.app",
        "sslip.io",
        "trycloudflare.com",
        "vercel.app",
        "web.app",
        "windows.net",
        "workers.dev",
    }
)
"""Domains in which everybody can have a host, so that neighbours are strangers."""
_SHARED_WITHIN = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".azure.com",
    ".on.aws",
    ".windows.net",
)
"""The same of what is below: ``eu-west-1.amazonaws.com``."""
_SECOND_LEVEL = frozenset(
    {
        "ac",
        "co",
        "com",
        "edu",
        "go",
        "gob",
        "gov",
        "gv",
        "id",
        "ltd",
        "me",
        "mil",
        "ne",
        "net",
        "or",
        "org",
        "plc",
        "sch",
    }
)
"""What countries put below their own domain, for everybody: ``co.uk``, ``com.au``."""


def are_related(registry: str, realm: str) -> bool:
    """Tell whether a realm's host may see a registry's logins: one site, by their names.

    The same host, one below it, or one with the same parent domain, unless strangers can have
    hosts in that domain too.
    """
    if registry == realm or (is_loopback(registry) and is_loopback(realm)):
        return True
    if reach_of(registry) is not None or reach_of(realm) is not None:
        return False
    parent = registry.partition(".")[2]
    roots = [name for name in (registry, parent) if name and not _is_shared(name)]
    return any(realm == root or realm.endswith(f".{root}") for root in roots)


def _is_shared(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) < 2 or domain in _SHARED:
        return True
    if domain.endswith(_SHARED_WITHIN):
        return True
    is_country = len(labels) == 2 and len(labels[1]) == 2
    return is_country and labels[0] in _SECOND_LEVEL
