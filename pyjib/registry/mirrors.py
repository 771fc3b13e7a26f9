"""Where an image may be pulled from: its mirrors in order, and at last its registry itself.

First the mirrors of ``RegistryOptions``, then those of the machine (``machine``): Podman's for the
name, then Docker's for Docker Hub, then containerd's for the registry. A mirror gets the login that
is filed under its own name and no other; what it sends is checked against digests as all else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from typing import TYPE_CHECKING

from pyjib.errors import ConfigurationError, InvalidReferenceError, TransportError
from pyjib.frozen import frozen
from pyjib.oci.reference import DOCKER_HUB, HUB_ALIASES, Reference
from pyjib.options import RegistryOptions
from pyjib.registry.machine import Machine, Rule, StandIn
from pyjib.registry.net.reach import is_loopback
from pyjib.registry.net.urls import Url

if TYPE_CHECKING:
    from pyjib.registry.containerd import ContainerdHost, Namespace


@frozen
class Place:
    """Where an image may be pulled from, and by which of ``tags`` and ``digests``.

    ``is_mirror`` is false for the last place, behind which there is no other. ``source`` is the
    option or the file that names it; empty for the registry itself. ``namespace`` is the
    registry that it is told it stands in for, empty if it is told nothing.
    """

    reference: Reference
    is_mirror: bool = True
    tags: bool = True
    digests: bool = True
    source: str = field(default="", compare=False)
    namespace: str = field(default="", compare=False)


def find_places(
    reference: Reference, options: RegistryOptions, machine: Machine
) -> tuple[Place, ...]:
    """Return where to ask for a reference, in order.

    Raises ``ConfigurationError`` for a name that the machine's set-up blocks, and for a mirror
    that is no place.
    """
    if not options.use_mirrors:
        return (Place(reference=reference, is_mirror=False),)
    rule = machine.rule_for(reference.name)
    if rule is not None and rule.blocked:
        raise ConfigurationError(
            f"cannot pull {reference}: {rule.file} blocks {rule.prefix}",
            hint="take another base image, or pass --no-mirrors to go without that file",
        )
    last = Place(reference=reference, is_mirror=False)
    namespace = machine.namespace_for(reference.registry)
    if rule is not None and rule.location and not rule.prefix.startswith("*."):
        source = str(rule.file)
        moved = _moved(reference, rule, rule.location, source)
        last = Place(reference=moved, is_mirror=False, source=source)
    elif namespace is not None and namespace.server is not None:
        place = _of_containerd(namespace.server, namespace, reference)
        if place.reference != reference:
            last = replace(place, is_mirror=False, tags=True, digests=True)
    found: dict[Reference, Place] = {}
    for place in _mirrors(reference, options, machine, rule):
        if options.offline and not is_loopback(place.reference.registry):
            continue
        if place.reference not in (reference, last.reference):
            found.setdefault(place.reference, place)
    return (*found.values(), last)


def _mirrors(
    reference: Reference, options: RegistryOptions, machine: Machine, rule: Rule | None
) -> Iterator[Place]:
    for given in options.mirrors:
        if _folded(given.registry) == reference.registry:
            place = _at(given.location, reference.repository, reference, given.source)
            yield Place(reference=place, source=given.source)
    if rule is not None:
        for mirror in rule.mirrors:
            where = str(rule.file)
            yield _place(_moved(reference, rule, mirror.location, where), mirror, where)
    if reference.registry == DOCKER_HUB:
        for mirror in machine.hub_mirrors:
            where = str(machine.hub_file)
            place = _at(mirror.location, reference.repository, reference, where)
            yield _place(place, mirror, where)
    namespace = machine.namespace_for(reference.registry)
    for host in namespace.hosts if namespace is not None else ():
        if namespace is not None and (host.pulls or host.resolves):
            yield _of_containerd(host, namespace, reference)


def _of_containerd(host: ContainerdHost, namespace: Namespace, reference: Reference) -> Place:
    where = str(namespace.file)
    return Place(
        reference=_at(host.location, reference.repository, reference, where),
        tags=host.resolves,
        digests=host.pulls,
        source=where,
        namespace=reference.registry,
    )


def _place(reference: Reference, mirror: StandIn, source: str) -> Place:
    return Place(reference=reference, tags=mirror.tags, digests=mirror.digests, source=source)


def _moved(reference: Reference, rule: Rule, location: str, where: str) -> Reference:
    """Put ``location`` in the place of what the rule's prefix stands for."""
    rest = reference.name[rule.match(reference.name) :]
    return _at(location, rest.removeprefix("/"), reference, where)


def _at(location: str, path: str, reference: Reference, where: str) -> Reference:
    """Return a reference to ``path`` below a location; ``where`` tells who named that."""
    host, _, parent = location.partition("/")
    whole = "/".join(part for part in (parent.strip("/"), path) if part)
    registry = _folded(host)
    if registry == DOCKER_HUB and "/" not in whole:
        whole = f"library/{whole}"
    repository = _repository_at(registry, whole)
    if repository is None:
        raise ConfigurationError(
            f"{where} names the mirror {location!r}, where {reference.repository} cannot be",
            hint="a mirror is written HOST[:PORT][/PATH]",
        )
    return replace(reference, registry=registry, repository=repository)


def _repository_at(registry: str, path: str) -> str | None:
    """Return a path as a repository's name; ``None`` if it, or the registry's name, is none."""
    if registry.endswith(":"):  # as https: does
        return None
    try:
        Url.of_host("https", registry)
        return Reference.parse(f"mirror.invalid/{path}").repository
    except (TransportError, InvalidReferenceError):
        return None


def _folded(host: str) -> str:
    lowered = host.lower()
    return DOCKER_HUB if lowered in HUB_ALIASES else lowered
