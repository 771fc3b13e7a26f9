"""Mirrors that are for tags or for digests alone, as registries.conf has it, are asked for those."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseTools
from pyjib.oci.location import RegistryLocation
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.images import checked, random_image
from tests.support.registry import put_image

IMAGE = random_image(1)
CONF = """
[[registry]]
location = "{origin}"
[[registry.mirror]]
location = "{mirror}"
insecure = true
pull-from-mirror = "{kind}"
"""


@pytest.mark.parametrize("kind", ["all", "tag-only", "digest-only"])
def test_a_mirror_is_asked_for_what_it_is_for(
    tmp_path: Path, registry_unchecked: RegistryServer, kind: str
) -> None:
    put_image(registry_unchecked, "base/jre", IMAGE, "17")
    conf = tmp_path / ".config" / "containers" / "registries.conf"
    conf.parent.mkdir(parents=True)
    with RegistryServer() as mirror:
        put_image(mirror, "base/jre", IMAGE, "17")
        text = CONF.format(origin=registry_unchecked.address, mirror=mirror.address, kind=kind)
        conf.write_text(text)
        reference = Reference.parse(f"{registry_unchecked.address}/base/jre:17")
        with RegistryClient(RegistryOptions(), HostEnvironment(home=tmp_path)) as client:
            tools = BaseTools(
                store=Store(tmp_path / "store"), registry=client, engine=cast(Any, None)
            )
            for image in pull_base(RegistryLocation(reference=reference), [], tools=tools).images:
                checked(image)
        asked = {
            "mirror": {one.path.rpartition("/")[2][:7] for one in mirror.journal},
            "origin": {one.path.rpartition("/")[2][:7] for one in registry_unchecked.journal},
        }
    by_tag = "mirror" if kind in ("all", "tag-only") else "origin"
    by_digest = "mirror" if kind in ("all", "digest-only") else "origin"
    assert {where for where in asked if "17" in asked[where]} == {by_tag}
    assert {where for where in asked if "sha256:" in asked[where]} == {by_digest}
