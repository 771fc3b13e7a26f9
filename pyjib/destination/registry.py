"""The destination that is a registry."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyjib.cancellation import Cancellation
from pyjib.destination.model import Published
from pyjib.errors import DeniedError
from pyjib.events import Listener, ignore
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.image import AnyImage
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient
from pyjib.registry.transfer import push_image


@dataclass(slots=True, kw_only=True)
class RegistryDestination:
    """Pushes to ``reference``'s repository under its tag and ``tags``.

    What ``check`` finds under the tag is remembered for ``write``.
    """

    reference: Reference
    client: RegistryClient
    tags: tuple[str, ...] = ()
    jobs: int = 4
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)
    _found: Descriptor | None = field(default=None, init=False, repr=False)

    def check(self) -> Descriptor | None:
        """Reach the registry, log in for pushing, and check the names.

        Raises ``InvalidReferenceError`` for a digest, and what ``RegistryClient`` raises. That a
        login may push at all shows only when something is pushed.
        """
        for tag in self.tags:
            self.reference.with_tag(tag)
        self.client.expect_push(self.reference)
        try:
            self._found = self.client.manifest_head(self.reference)
        except DeniedError:
            return None  # some registries answer so for what is not there; pushing will tell
        return self._found

    def write(self, image: AnyImage) -> Published:
        """Push what is missing, the names last of all."""
        push_image(
            self.client,
            image,
            self.reference,
            self.tags,
            found=self._found,
            jobs=self.jobs,
            listener=self.listener,
            cancellation=self.cancellation,
        )
        own = (self.reference.tag,) if self.reference.tag else ()
        return Published(
            location=str(self.reference.with_digest(image.digest)),
            digest=image.digest,
            image_id=image.image_id,
            tags=tuple(dict.fromkeys((*own, *self.tags))),
            pushed=True,
        )
