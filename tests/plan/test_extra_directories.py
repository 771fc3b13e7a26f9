from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError
from pyjib.oci.instant import EPOCH_PLUS_SECOND, Instant
from pyjib.options import BuildOptions, ExtraDirectory, Permission
from pyjib.plan.extra_directories import extra_layers, unused_permissions
from pyjib.plan.make_plan import make_plan
from pyjib.plan.model import LayerPlan
from tests.support.plans import files, names, project, targets

TREE = files("a.txt", "bin/", "bin/run.sh", "bin/sub/", "bin/sub/x.txt", "conf/", "conf/y.txt")


def one_layer(
    *,
    into: str = "/",
    includes: tuple[str, ...] = (),
    excludes: tuple[str, ...] = (),
    permissions: tuple[Permission, ...] = (),
    time: Instant = EPOCH_PLUS_SECOND,
) -> LayerPlan:
    directory = ExtraDirectory(
        source=Path("extra"), into=into, includes=includes, excludes=excludes
    )
    (layer,) = extra_layers([(directory, TREE)], permissions, time)
    return layer


def modes(layer: LayerPlan) -> dict[str, str]:
    return {entry.target: f"{entry.mode:o}" for entry in layer.entries}


def test_everything_below_the_root() -> None:
    layer = one_layer()
    assert layer.name == "extra files"
    assert targets(layer) == [
        "/a.txt",
        "/bin/",
        "/bin/run.sh",
        "/bin/sub/",
        "/bin/sub/x.txt",
        "/conf/",
        "/conf/y.txt",
    ]
    assert set(modes(layer).values()) == {"644", "755"}


def test_into() -> None:
    layer = one_layer(into="/opt//tool/")
    assert targets(layer)[:3] == ["/opt/", "/opt/tool/", "/opt/tool/a.txt"]


@pytest.mark.parametrize("into", ["opt", "", "/opt/../etc"])
def test_into_is_an_absolute_path(into: str) -> None:
    with pytest.raises(ConfigurationError, match="extra directory"):
        one_layer(into=into)


def test_globs_are_asked_of_each_path_alone() -> None:
    excluded = one_layer(excludes=("bin",), time=Instant(7))
    # The children of an excluded directory stay, and bring it back with defaults.
    assert "/bin/run.sh" in targets(excluded)
    times = {entry.target: entry.mtime for entry in excluded.entries}
    assert (times["/bin"], times["/conf"]) == (EPOCH_PLUS_SECOND, Instant(7))


def test_includes_and_excludes() -> None:
    assert targets(one_layer(includes=("**/*.txt",))) == [
        "/bin/",
        "/bin/sub/",
        "/bin/sub/x.txt",
        "/conf/",
        "/conf/y.txt",
    ]
    assert targets(one_layer(includes=("*.txt", "**/*.txt"), excludes=("bin/**",))) == [
        "/a.txt",
        "/conf/",
        "/conf/y.txt",
    ]
    assert one_layer(includes=("nothing",)).entries == ()


def test_an_exact_path_counts_before_globs_and_globs_in_their_order() -> None:
    layer = one_layer(
        into="/opt",
        permissions=(
            Permission(pattern="/opt/bin/*", mode=0o700),
            Permission(pattern="/opt/bin/**", mode=0o711),
            Permission(pattern="/opt/bin/run.sh", mode=0o755),
            Permission(pattern="a.txt", mode=0),
        ),
    )
    assert modes(layer) == {
        "/opt": "755",
        "/opt/a.txt": "644",
        "/opt/bin": "755",
        "/opt/bin/run.sh": "755",
        "/opt/bin/sub": "700",
        "/opt/bin/sub/x.txt": "711",
        "/opt/conf": "755",
        "/opt/conf/y.txt": "644",
    }


def test_the_later_of_two_modes_for_one_pattern_counts() -> None:
    layer = one_layer(
        permissions=(
            Permission(pattern="/a.*", mode=0o700),
            Permission(pattern="/*.txt", mode=0o711),
            Permission(pattern="/a.*", mode=0o600),
        ),
    )
    assert modes(layer)["/a.txt"] == "600"


@pytest.mark.parametrize("mode", [-1, 0o1000, 0o4755])
def test_modes_have_nine_bits(mode: int) -> None:
    with pytest.raises(ConfigurationError) as raised:
        one_layer(permissions=(Permission(pattern="/x", mode=mode),))
    assert "--permission" in (raised.value.hint or "")


def test_permissions_that_match_nothing() -> None:
    typo = Permission(pattern="bin/run.sh", mode=0o755)
    used = Permission(pattern="/bin/*", mode=0o755)
    extras = [(ExtraDirectory(source=Path("extra")), TREE)]
    assert unused_permissions(extras, (typo, used)) == (typo,)


def test_one_layer_for_each_directory_after_all_others_and_none_for_an_empty_one() -> None:
    first, second, third = (ExtraDirectory(source=Path(name), into=f"/{name}") for name in "xyz")
    plan = make_plan(
        project(),
        BuildOptions(),
        [(first, files("1")), (second, ()), (third, files("1"))],
    )
    assert names(plan)[-3:] == ["jvm arg files", "extra files", "extra files"]
    assert [targets(layer)[0] for layer in plan.layers[-2:]] == ["/x/", "/z/"]
