from __future__ import annotations

from pathlib import Path

from pyjib.base.scratch import pull
from pyjib.oci.location import Scratch
from pyjib.oci.platform import LINUX_AMD64
from tests.support.bases import base_tools
from tests.support.images import LINUX_ARM64, checked


def test_scratch_is_an_empty_image_for_each_platform(tmp_path: Path) -> None:
    tools = base_tools(tmp_path / "store")
    base = pull(Scratch(), (LINUX_ARM64, LINUX_AMD64), tools)
    assert (base.name, base.digest) == ("scratch", None)
    assert [checked(image).platform for image in base.images] == [LINUX_ARM64, LINUX_AMD64]
    assert [image.layers for image in base.images] == [(), ()]
    assert [image.platform for image in pull(Scratch(), (), tools).images] == [LINUX_AMD64]
    assert not (tmp_path / "store").exists()
