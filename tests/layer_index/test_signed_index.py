"""A signed index: whoever may write to the registry, what it says is what a signer packed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyjib.build import BuildResult
from pyjib.layer_index.artifact import add_to_artifact, read_artifact
from pyjib.layer_index.model import Entry
from pyjib.layer_index.opening import TAG
from pyjib.layer_index.signing import KeyRing, public_key
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import Reference
from pyjib.options import LayerIndexKeys, LayerIndexMode
from pyjib.serve import Fault, RegistryServer
from tests.support.clients import watched
from tests.support.fresh_runners import JIB, Runner, make_runner, write_project
from tests.support.registry import blob_in, put_blob

SECRET, OTHER_SECRET = bytes(range(32)), bytes(range(32, 64))
SIGNER = LayerIndexKeys(private=SECRET)
READER = LayerIndexKeys(public=(public_key(SECRET),))
STRANGER = LayerIndexKeys(private=OTHER_SECRET)


@pytest.fixture
def runner(registry_unchecked: RegistryServer, tmp_path: Path) -> Runner:
    return make_runner(registry_unchecked, tmp_path)


def index_of(runner: Runner, repository: str = "team/app") -> Reference:
    return Reference.parse(f"{runner.registry.address}/{repository}:{TAG}")


def entries_in(runner: Runner, repository: str = "team/app") -> tuple[Entry, ...]:
    with watched() as it:
        return read_artifact(it.client, index_of(runner, repository)).entries


def replace_index(runner: Runner, *entries: Entry) -> None:
    """Let the index have these entries and no others, as whoever may write to it can."""
    with watched() as it:
        it.client.manifest_delete(index_of(runner))
        add_to_artifact(it.client, index_of(runner), entries)


def put_new_tag(runner: Runner) -> list[str]:
    """Return a target in the same repository whose tag is new, as of a pull request."""
    return [f"{runner.registry.address}/team/app:pull-request"]


def test_a_pull_request_learns_from_main(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    assert runner.large
    (written,) = entries_in(runner)
    assert written.diff_id == cold.layers[0].diff_id
    assert written.signature is not None
    again = runner.fresh(to=put_new_tag(runner), layer_index_keys=READER)
    assert (again.digest, again.image_id) == (cold.digest, cold.image_id)
    assert not runner.large
    assert runner.warnings == []
    assert entries_in(runner) == (written,)


def test_requests_of_a_fresh_runner_with_a_key(runner: Runner) -> None:
    """Nothing is fetched of the layer, and nothing written to the index."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    for keys in (READER, SIGNER):
        runner.fresh(layer_index_keys=keys)
        layer = cold.layers[0].blob.descriptor.digest
        asked = [line for line in runner.asked if "team/app" in line]
        index = [line for line in asked if line.startswith("GET team/app/blobs/")]
        assert len(index) == 1
        assert sorted(asked) == sorted(
            [
                "HEAD team/app/manifests/1",
                f"GET team/app/manifests/{TAG}",
                *index,
                f"HEAD team/app/blobs/{layer}",
            ]
        )


def test_what_a_signer_says_is_believed(runner: Runner) -> None:
    """No tar is made for what is signed: whose key is trusted could say what he likes."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    other = replace(true.claim, diff_id=Digest.of(b"another tar"))
    replace_index(runner, KeyRing(SIGNER).sign(other))
    believed = runner.fresh(to=put_new_tag(runner), layer_index_keys=READER)
    assert believed.layers[0].diff_id == other.diff_id
    assert believed.image_id != cold.image_id


def test_jibs_bytes_too(registry_unchecked: RegistryServer, tmp_path: Path) -> None:
    runner = make_runner(registry_unchecked, tmp_path, JIB)
    cold = runner.fresh(layer_index_keys=SIGNER)
    assert runner.fresh(layer_index_keys=READER).digest == cold.digest
    assert not runner.large


def test_an_index_with_a_name_of_its_own(runner: Runner) -> None:
    index = index_of(runner, "team/index")
    cold = runner.fresh(layer_index=index, layer_index_keys=SIGNER)
    again = runner.fresh(to=put_new_tag(runner), layer_index=index, layer_index_keys=READER)
    assert again.digest == cold.digest
    assert not runner.large
    assert entries_in(runner) == ()


def test_a_reader_writes_nothing(runner: Runner) -> None:
    runner.fresh(layer_index_keys=READER)
    assert entries_in(runner) == ()
    assert not any(line.startswith("PUT") and TAG in line for line in runner.asked)


def test_off_stays_off(runner: Runner) -> None:
    runner.fresh(layer_index=LayerIndexMode.OFF, layer_index_keys=SIGNER)
    assert not any(TAG in line for line in runner.asked)


def test_the_next_build_with_a_key_on_that_machine(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    runner.fresh(layer_index_keys=READER)
    assert runner.again(layer_index_keys=READER).digest == cold.digest
    assert not runner.large


# Lies. The layer is packed, and the image is the one of a cold build.


def forged_middle(runner: Runner, cold: BuildResult) -> Blob:
    """Put a layer that begins and ends as ours does into the repository."""
    told = cold.layers[0].blob.descriptor
    data = bytearray(blob_in(runner.registry, "team/app", told.digest))
    data[len(data) // 2] ^= 1
    blob = Blob.of_bytes(bytes(data), told.media_type)
    put_blob(runner.registry, "team/app", blob)
    return blob


def under_our_name(signed: Entry) -> Entry:
    assert signed.signature is not None
    ours = KeyRing(SIGNER).sign(signed).signature
    assert ours is not None
    return replace(signed, signature=replace(ours, value=signed.signature.value))


def described(true: Entry, **changes: Any) -> Entry:
    return replace(true, descriptor=replace(true.descriptor, **changes))


BLOBS: dict[str, Callable[[Entry, Descriptor], Entry]] = {
    "another blob": lambda true, lie: replace(true, descriptor=lie),
    "no signature": lambda true, lie: replace(true.claim, descriptor=lie),
    "a stranger": lambda true, lie: KeyRing(STRANGER).sign(replace(true, descriptor=lie)),
    "a stranger under our name": lambda true, lie: under_our_name(
        KeyRing(STRANGER).sign(replace(true, descriptor=lie))
    ),
}
FORGERIES = BLOBS | {
    "another diff ID": lambda true, _: replace(true, diff_id=Digest.of(b"another tar")),
    "another key's entry": lambda true, _: replace(
        KeyRing(SIGNER).sign(replace(true, key="0" * 64)), key=true.key
    ),
    "another size": lambda true, _: described(true, size=true.descriptor.size + 1),
    "another compression": lambda true, _: described(true, media_type=types.OCI_LAYER_ZSTD),
    "another recipe": lambda true, _: replace(true, recipe="gzip by somebody else"),
}


def forged(runner: Runner, cold: BuildResult, true: Entry, kind: str) -> Entry:
    return FORGERIES[kind](true, forged_middle(runner, cold).descriptor)


@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.parametrize("keys", [READER, SIGNER], ids=["reader", "signer"])
def test_a_forged_entry_is_refused(runner: Runner, kind: str, keys: LayerIndexKeys) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    replace_index(runner, forged(runner, cold, true, kind))
    again = runner.fresh(to=put_new_tag(runner), layer_index_keys=keys)
    assert runner.large
    assert (again.digest, again.image_id) == (cold.digest, cold.image_id)
    (warning,) = runner.warnings
    assert warning == (
        f"1 entry of the layer index {index_of(runner)} for layers of this build is not signed "
        "by a key that is trusted"
    )
    if keys is SIGNER:
        assert true in entries_in(runner)  # put right on the way
        assert runner.fresh(layer_index_keys=READER).digest == cold.digest
        assert not runner.large


def test_without_a_key_the_same_lie_gets_through(runner: Runner) -> None:
    """That the forgery of these tests is one."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    replace_index(runner, forged(runner, cold, true, "no signature"))
    fooled = runner.fresh(to=put_new_tag(runner), layer_index=index_of(runner))
    assert fooled.digest != cold.digest
    assert fooled.image_id == cold.image_id


def test_what_a_build_without_a_key_took_over_counts_no_more(runner: Runner) -> None:
    """The cache of a machine remembers where a layer is, from whoever told."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    replace_index(runner, forged(runner, cold, true, "no signature"))
    runner.fresh(to=put_new_tag(runner), layer_index=index_of(runner))
    assert runner.again(layer_index_keys=READER).digest == cold.digest
    assert runner.large
    runner.fresh(to=put_new_tag(runner), layer_index=index_of(runner))
    runner.again(layer_index_keys=SIGNER)
    assert [one for one in entries_in(runner) if one.signature] == [true]


def with_another_middle(runner: Runner, cold: BuildResult) -> Blob:
    """Put our layer, compressed otherwise between its ends, into the repository."""
    told = cold.layers[0].blob.descriptor
    data = blob_in(runner.registry, "team/app", told.digest)
    place = data.index(b"\x1f\x8b\x08", len(data) // 4)  # where a member of gzip begins
    blob = Blob.of_bytes(data[:place] + gzip.compress(b"", mtime=0) + data[place:], told.media_type)
    put_blob(runner.registry, "team/app", blob)
    return blob


def test_what_was_recognised_and_downloaded_is_not_as_good_as_packed(
    runner: Runner, tmp_path: Path
) -> None:
    """Its content is right, and its bytes are somebody else's: no image gets them, and no key."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    other = with_another_middle(runner, cold)
    replace_index(runner, replace(true.claim, descriptor=other.descriptor))
    index = index_of(runner)
    both = [*put_new_tag(runner), f"tar://{tmp_path}/app.tar"]
    learnt = runner.fresh(to=both, layer_index=index)
    assert (learnt.digest != cold.digest, learnt.image_id) == (True, cold.image_id)
    assert runner.store.find(other.descriptor) is not None
    # The machine knows it again, as long as it may.
    assert runner.again(to=both, layer_index=index).digest == learnt.digest
    assert not runner.large
    assert runner.again(layer_index=LayerIndexMode.OFF).digest == cold.digest
    runner.fresh(to=both, layer_index=index)
    runner.again(layer_index_keys=SIGNER)
    assert [one for one in entries_in(runner) if one.signature] == [true]


def test_the_image_itself_teaches_nothing_to_those_with_a_key(runner: Runner) -> None:
    cold = runner.fresh()
    assert runner.fresh(layer_index_keys=READER).digest == cold.digest
    assert runner.large
    assert runner.warnings == []


def test_true_entries_count_beside_false_ones(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    lies = [forged(runner, cold, true, kind) for kind in BLOBS]
    replace_index(runner, *lies[1:3], true)
    assert runner.fresh(layer_index_keys=READER).digest == cold.digest
    assert not runner.large
    assert runner.warnings == []


def test_an_older_index_is_still_true(runner: Runner) -> None:
    """Whoever puts an old index in the place of a new one takes entries away, and no more."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    (old,) = entries_in(runner)
    write_project(runner.project, seed=1)
    changed = runner.fresh(layer_index_keys=SIGNER)
    assert len(entries_in(runner)) == 2
    replace_index(runner, old)
    assert runner.fresh(layer_index_keys=READER).digest == changed.digest
    assert runner.large
    write_project(runner.project)
    assert runner.fresh(layer_index_keys=READER).digest == cold.digest
    assert not runner.large


def test_an_entry_of_another_repository(runner: Runner) -> None:
    """It is as true there, and worth something where the layer is."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    other = [f"{runner.registry.address}/other/app:1"]
    index = index_of(runner)
    assert runner.fresh(to=other, layer_index=index, layer_index_keys=READER).digest == cold.digest
    assert runner.large  # the layer is not in that repository
    again = runner.fresh(to=other, layer_index=index, layer_index_keys=READER)
    assert again.digest == cold.digest
    assert not runner.large


def test_a_signed_layer_that_is_gone(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    with watched() as it:
        assert it.client.blob_delete(Reference.parse(runner.target), true.descriptor.digest)
    assert runner.fresh(layer_index_keys=READER).digest == cold.digest
    assert runner.large
    assert runner.warnings == []


def test_a_blob_of_another_size_than_signed(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    path = f"/v2/team/app/blobs/{true.descriptor.digest}"
    lie = Fault(method="HEAD", path=path, status=200, headers=(("Content-Length", "5"),))
    runner.registry.faults.add(lie)
    with_key = runner.fresh(to=put_new_tag(runner), layer_index_keys=READER)
    assert with_key.digest == cold.digest
    assert runner.large


# Keys that change.


def test_a_new_key_with_the_old_one_still_trusted(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    both = LayerIndexKeys(public=READER.public, private=OTHER_SECRET)
    assert runner.fresh(layer_index_keys=both).digest == cold.digest
    assert not runner.large
    assert len(entries_in(runner)) == 1  # nobody signs what he has not packed


def test_nothing_outlives_the_key(runner: Runner, tmp_path: Path) -> None:
    """What a key vouched for is not kept, neither by its word nor by its bytes."""
    cold = runner.fresh(layer_index_keys=SIGNER)
    (true,) = entries_in(runner)
    other = replace(true.claim, diff_id=Digest.of(b"another tar"))
    replace_index(runner, KeyRing(SIGNER).sign(other))
    assert runner.fresh(layer_index_keys=READER).image_id != cold.image_id
    changed = LayerIndexKeys(public=(public_key(OTHER_SECRET),))
    for choice, keys in [(LayerIndexMode.AUTO, changed), (LayerIndexMode.OFF, None)]:
        runner.fresh(to=put_new_tag(runner), layer_index_keys=READER)
        again = runner.again(to=put_new_tag(runner), layer_index=choice, layer_index_keys=keys)
        assert again.digest == cold.digest
        assert runner.large
    runner.fresh(to=put_new_tag(runner), layer_index_keys=READER)
    again = runner.again(to=put_new_tag(runner), layer_index=LayerIndexMode.AUTO)
    assert again.digest == cold.digest


def test_a_new_key_after_the_old_one(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    assert runner.fresh(layer_index_keys=STRANGER).digest == cold.digest
    assert runner.large
    assert len(runner.warnings) == 1
    assert len(entries_in(runner)) == 2
    # Both sorts of readers find theirs.
    for keys in (READER, LayerIndexKeys(public=(public_key(OTHER_SECRET),))):
        assert runner.fresh(layer_index_keys=keys).digest == cold.digest
        assert not runner.large
        assert runner.warnings == []


def test_a_build_without_a_key_takes_nothing_away(runner: Runner) -> None:
    cold = runner.fresh(layer_index_keys=SIGNER)
    index = index_of(runner)
    assert runner.fresh(to=put_new_tag(runner), layer_index=index).digest == cold.digest
    assert not runner.large
    write_project(runner.project, seed=1)
    runner.fresh(layer_index=index)
    assert [one.signature is None for one in entries_in(runner)] == [True, False]


def test_what_the_cache_has_is_signed_too(runner: Runner) -> None:
    """A machine that has packed everything long ago tells of it once it has a key."""
    runner.fresh()
    write_project(runner.project, seed=1)
    runner.again()
    write_project(runner.project)
    runner.again(layer_index_keys=SIGNER)
    assert not runner.large
    assert len(entries_in(runner)) == 1


@pytest.mark.parametrize("lost", [False, True])
def test_what_the_cache_has_is_signed_where_nothing_changed(runner: Runner, lost: bool) -> None:
    """The image is there under the same tag, from before there was a key, or the index is gone."""
    if lost:
        runner.fresh(layer_index_keys=SIGNER)
        with watched() as it:
            it.client.manifest_delete(index_of(runner))
    else:
        runner.fresh(layer_index=LayerIndexMode.OFF)
    assert entries_in(runner) == ()
    same = runner.again(layer_index_keys=SIGNER)
    assert not runner.large
    (written,) = entries_in(runner)
    assert written.diff_id == same.layers[0].diff_id
    assert KeyRing(READER).vouches_for(written)
    runner.fresh(to=put_new_tag(runner), layer_index_keys=READER)
    assert not runner.large


def test_requests_of_a_build_without_changes(runner: Runner) -> None:
    """A signer looks whether all is in the index, and writes nothing; a reader does not look."""
    runner.fresh(layer_index_keys=SIGNER)
    for keys, asked in [(SIGNER, ["GET", "GET", "HEAD"]), (READER, ["HEAD"]), (None, ["HEAD"])]:
        runner.again(layer_index_keys=keys)
        seen = [line for line in runner.asked if "team/app" in line]
        assert sorted(line.split()[0] for line in seen) == asked


@pytest.mark.parametrize("keys", [SIGNER, None], ids=["signed", "unsigned"])
def test_both_formats_share_their_entries(runner: Runner, keys: LayerIndexKeys | None) -> None:
    """Their layers have the same bytes, and what they are called is all that differs."""
    index = index_of(runner)
    runner.fresh(layer_index=index, layer_index_keys=keys)
    (written,) = entries_in(runner)
    for chosen in (ImageFormat.OCI, ImageFormat.DOCKER, ImageFormat.OCI):
        for build in (runner.again, runner.fresh):
            made = build(format=chosen, layer_index=index, layer_index_keys=keys)
            assert made.layers[0].blob.descriptor.media_type == types.layer_type(
                chosen, types.Compression.GZIP
            )
            assert not runner.large
            assert not any(line.startswith("PUT") and TAG in line for line in runner.asked)
    assert entries_in(runner) == (written,)


def test_what_was_learnt_from_others_is_not_signed(runner: Runner) -> None:
    """Not even where nothing has changed: the bytes are not in this machine's store."""
    runner.fresh(layer_index_keys=STRANGER)
    both = LayerIndexKeys(public=(public_key(OTHER_SECRET),), private=SECRET)
    for build in (runner.fresh, runner.again):
        build(layer_index_keys=both)
        assert not runner.large
        assert len(entries_in(runner)) == 1
