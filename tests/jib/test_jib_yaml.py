"""jib.yaml: every key, every error with its line, properties, and the layers that come of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.jib.yaml_file import BuildFile, apply_build_file, parse_build_file, read_build_file
from pyjib.oci.instant import EPOCH, EPOCH_PLUS_SECOND, Instant
from pyjib.oci.location import Scratch, parse_location
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.options import BuildOptions, FileProperties, ListedCopy, ListedLayer
from pyjib.plan.listed_layers import plan_listed
from pyjib.plan.model import BuildPlan
from pyjib.project.listed_files import read_listed
from tests.support.plans import layer, targets

HEAD = "apiVersion: jib/v1alpha1\nkind: BuildFile\n"


def parse(text: str, *, context: str = ".", head: str = HEAD, **parameters: str) -> BuildFile:
    return parse_build_file(head + text, parameters, context=context)


def test_the_smallest() -> None:
    assert parse("") == BuildFile(base=Scratch())


def test_every_key() -> None:
    found = parse(
        """
from:
  image: eclipse-temurin:17-jre
  platforms:
    - architecture: arm64
      os: linux
    - {os: linux, architecture: amd64}
creationTime: 2000
format: OCI
environment:
  PORT: 8080
  FLAG: yes
  WHEN: 2020-01-01
labels:
  version: 1.10
volumes: [/v, "/w"]
exposedPorts:
  - 8080
  - 123/udp
  - 9000-9010
user: 1000:0
workingDirectory: /w
entrypoint: [sh, -c]
cmd: []
layers:
  properties:
    filePermissions: 0o640
  entries: []
""".replace("0o640", "640").replace(
            "entries: []", "entries: [{name: n, files: [{src: a, dest: /b}]}]"
        )
    )
    assert found.base == parse_location("eclipse-temurin:17-jre")
    assert found.platforms == (
        Platform(os="linux", architecture="arm64"),
        Platform(os="linux", architecture="amd64"),
    )
    assert found.created == Instant.of_seconds(2)
    assert found.format is ImageFormat.OCI
    assert found.environment == (("PORT", "8080"), ("FLAG", "yes"), ("WHEN", "2020-01-01"))
    assert found.labels == (("version", "1.10"),)
    assert found.volumes == ("/v", "/w")
    assert found.ports == ("8080", "123/udp", "9000-9010")
    assert found.user == "1000:0"
    assert found.working_directory == "/w"
    assert found.entrypoint == ("sh", "-c")
    assert found.arguments == ()
    assert found.layers == (
        ListedLayer(
            name="n",
            copies=(
                ListedCopy(
                    source=Path("a"),
                    shown="./a",
                    target="/b",
                    properties=FileProperties(file_mode=0o640),
                ),
            ),
        ),
    )


def test_null_is_not_said() -> None:
    assert parse("user:\nfrom: ~\nlayers: null\nentrypoint:\n") == BuildFile(base=Scratch())


def test_parameters_are_put_in_before_yaml_is_read() -> None:
    found = parse("${key}: ${value}\nlabels: {a: '$${x}'}\n", key="user", value="me")
    assert found.user == "me"
    assert found.labels == (("a", "${x}"),)


PROPERTIES = """
layers:
  properties:
    filePermissions: 600
    user: outer
    timestamp: 1000
  entries:
    - name: one
      properties: {filePermissions: 640, directoryPermissions: 750, group: 7}
      files:
        - {src: a, dest: /a}
        - src: b
          dest: /b
          properties: {filePermissions: 444, user: inner, timestamp: "2020-01-01T00:00:00Z"}
    - name: two
      files: [{src: c, dest: /c}]
"""


def test_properties_are_inherited_one_by_one() -> None:
    one, two = parse(PROPERTIES).layers
    assert [copy.properties for copy in (*one.copies, *two.copies)] == [
        FileProperties(
            file_mode=0o640,
            directory_mode=0o750,
            user="outer",
            group="7",
            time=Instant.of_seconds(1),
        ),
        FileProperties(
            file_mode=0o444,
            directory_mode=0o750,
            user="inner",
            group="7",
            time=Instant.parse("2020-01-01T00:00:00Z"),
        ),
        FileProperties(file_mode=0o600, user="outer", time=Instant.of_seconds(1)),
    ]


ENTRY = "layers: {entries: [{name: n, files: [%s]}]}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("usr: me", r"line 3: usr: Unrecognized field 'usr'"),
        ("<<: {user: me}", "Unrecognized field '<<'"),
        ("user: ' '", r"line 3: user: Property 'user' cannot be an empty string"),
        ("user: [me]", "user: should be a text"),
        ("from: eclipse-temurin", r"from: should be an object"),
        ("from: {}", "from: Property 'image' cannot be null"),
        ("from: {image: UPPER}", r"from\.image: invalid image reference"),
        ("from: {image: ''}", r"from\.image: Property 'image' cannot be an empty string"),
        ("from: {image: a, tag: b}", r"from\.tag: Unrecognized field 'tag'"),
        ("from: {image: a, platforms: [null]}", "cannot contain null entries"),
        ("from: {image: a, platforms: [{os: linux}]}", r"platforms\[0\]: Property 'architecture'"),
        ("from: {image: a, platforms: [{os: l, architecture: a, variant: v}]}", "'variant'"),
        ("from: {image: a, platforms: linux/amd64}", r"from\.platforms: should be a list"),
        ("creationTime: yesterday", "creationTime: creationTime should be an ISO 8601"),
        ("format: docker", "format: 'docker' is not an image format"),
        ("environment: {A: ''}", r"environment\.A: Property 'A' cannot be an empty string"),
        ("environment: {A: }", r"environment\.A: Property 'A' cannot be null"),
        ("environment: {'': x}", "cannot contain empty string keys"),
        ("environment: [A=1]", "environment: should be an object"),
        ("volumes: [v]", r"volumes\[0\]: volumes is not an absolute"),
        ("volumes: /v", "volumes: should be a list"),
        ("exposedPorts: [80/http]", r"exposedPorts\[0\]: exposedPorts: '80/http' is not a port"),
        ("workingDirectory: w", "workingDirectory is not an absolute Unix-style path: w"),
        ("entrypoint: sh -c", "entrypoint: should be a list"),
        ("cmd: [a, null]", r"cmd\[1\]: Property 'cmd' cannot be null"),
        ("layers: {}", "layers: Property 'entries' cannot be null"),
        ("layers: {entries: []}", "Property 'entries' cannot be an empty collection"),
        ("layers: [{name: a}]", "layers: should be an object"),
        ("layers: {entries: [{files: []}]}", "missing required property 'name'"),
        ("layers: {entries: [{name: n}]}", "Could not parse entry into ArchiveLayer or FileLayer"),
        ("layers: {entries: [{name: n, archive: a.tar}]}", "Only FileLayers are supported"),
        ("layers: {entries: [{name: n, files: []}]}", "'files' cannot be an empty collection"),
        ("layers: {entries: [{name: n, files: [{src: a, dest: /b}], mediaType: x}]}", "mediaType"),
        (ENTRY % "{dest: /b}", r"layers\.entries\[0\]\.files\[0\]: Property 'src' cannot be null"),
        (ENTRY % "{src: a}", "Property 'dest' cannot be null"),
        (ENTRY % "{src: a, dest: b}", r"files\[0\]\.dest: dest is not an absolute"),
        (ENTRY % "{src: a, dest: /b, includes: [' ']}", r"includes\[0\]: Property 'includes'"),
        (ENTRY % "{src: a, dest: /b, properties: {filePermissions: 0755}}", "'0755' is not a mode"),
        (ENTRY % "{src: a, dest: /b, properties: {mode: 755}}", "Unrecognized field 'mode'"),
        (ENTRY % "{src: a, dest: /b, properties: {timestamp: x}}", r"properties\.timestamp: time"),
        ("user: ${who}", r"jib\.yaml: Cannot resolve variable 'who'"),
        ("user: &a me\nlabels: {x: *a}", r"line 4: anchors and aliases"),
        ("creationTime: 253402300800000", "creationTime is outside of the years 1 to 9999"),
        ("creationTime: -62135596800001", "creationTime is outside of the years 1 to 9999"),
        ("user: [", r"line \d: this is not YAML"),
        ("user: \t'x", r"this is not YAML"),
        ("? [a]\n: b", "a name is no text"),
    ],
)  # fmt: skip
def test_errors_tell_the_place(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        parse(text)
    assert caught.value.message.startswith("jib.yaml")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "jib.yaml is empty"),
        ("# nothing\n", "jib.yaml is empty"),
        ("kind: BuildFile\n", "Property 'apiVersion' cannot be null"),
        ("apiVersion: ' '\nkind: BuildFile\n", "'apiVersion' cannot be an empty string"),
        ("apiVersion: x\n", "Property 'kind' cannot be null"),
        ("apiVersion: x\nkind: Pod\n", "Property 'kind' must be 'BuildFile' but is 'Pod'"),
        ("- a\n", "line 1: should be an object"),
        ("[" * 1500, "this is not YAML"),
    ],
)
def test_heads(head: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse("", head=head)


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("user: you\nuser: me\n", ["line 4: user: 'user' is there twice, and the last one counts"]),
        ("labels: {a: x, a: 1}\nuser: me", ["line 3: labels.a: 'a' is there twice, and the last one counts"]),
        ("user: me\n---\nusr: x", ["line 4: only the first document of a build file counts"]),
        ("user: me\n...\nusr: x", ["line 4: only the first document of a build file counts"]),
        ("user: me\n...\n", []),
        ("user: &a me\n", []),
    ],
)  # fmt: skip
def test_what_jib_cli_passes_over_is_a_warning(text: str, warnings: list[str]) -> None:
    found = parse(text)
    assert found.user == "me"
    assert [warning.message.partition(", ")[2] for warning in found.warnings] == warnings
    options = apply_build_file(found, BuildOptions(), explicit=())
    assert options.labels in ((), (("a", "1"),))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="either does not exist or cannot be opened"):
        read_build_file(tmp_path / "jib.yaml", {}, context=".")
    (tmp_path / "jib.yaml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="it is not UTF-8"):
        read_build_file(tmp_path / "jib.yaml", {}, context=".")


# The caller's options over the file's


def test_the_caller_wins() -> None:
    listed = parse("user: file\nworkingDirectory: /f\nenvironment: {A: 1, B: 2}\nformat: OCI\n")
    given = BuildOptions(user="me", environment=(("B", "3"), ("C", "4")), created=Instant(99))
    options = apply_build_file(listed, given, explicit={"user", "environment"})
    assert (options.user, options.working_directory) == ("me", "/f")
    assert options.environment == (("A", "1"), ("B", "3"), ("C", "4"))
    assert options.format is ImageFormat.OCI
    assert options.created == EPOCH
    assert options.layers == ()
    assert options.base == Scratch()
    assert apply_build_file(listed, given, explicit={"created"}).created == Instant(99)


# From a file to layers


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for path in ("dir/a.txt", "dir/sub/b.txt", "dir/sub/deep/c.md", "dir/skip/d.txt", "file.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / "dir/empty").mkdir()
    return tmp_path


def plan(context: Path, files: str) -> BuildPlan:
    listed = parse(
        f"layers:\n  entries:\n    - name: l\n      files:\n{files}", context=str(context)
    )
    options = apply_build_file(listed, BuildOptions(), explicit=())
    return plan_listed(options, read_listed(options.layers or ()))


def test_a_directory_goes_with_its_content(context: Path) -> None:
    made = plan(context, "        - {src: dir, dest: /x/y}\n")
    assert targets(layer(made, "l")) == [
        "/x/",
        "/x/y/",
        "/x/y/a.txt",
        "/x/y/empty/",
        "/x/y/skip/",
        "/x/y/skip/d.txt",
        "/x/y/sub/",
        "/x/y/sub/b.txt",
        "/x/y/sub/deep/",
        "/x/y/sub/deep/c.md",
    ]
    assert {entry.mtime for entry in layer(made, "l").entries} == {EPOCH_PLUS_SECOND}


@pytest.mark.parametrize(
    ("dest", "target"),
    [("/x", "/x"), ("/x/", "/x/file.txt"), ("/", "/file.txt"), ("//x//y", "/x/y")],
)
def test_a_file_goes_into_a_directory_or_is_renamed(context: Path, dest: str, target: str) -> None:
    made = plan(context, f"        - {{src: file.txt, dest: {dest}}}\n")
    assert [entry.target for entry in layer(made, "l").files] == [target]


def test_absolute_sources(context: Path) -> None:
    made = plan(context, f"        - {{src: {context}/file.txt, dest: /x}}\n")
    assert [entry.target for entry in layer(made, "l").files] == ["/x"]


@pytest.mark.parametrize(
    ("globs", "kept"),
    [
        ("includes: ['**/*.txt']", ["a.txt", "skip/", "skip/d.txt", "sub/", "sub/b.txt"]),
        ("includes: ['*.txt']", []),
        ("includes: ['**/sub/']", ["sub/", "sub/b.txt", "sub/deep/", "sub/deep/c.md"]),
        (
            "excludes: ['**/skip']",
            ["a.txt", "empty/", "skip/", "skip/d.txt", "sub/", "sub/b.txt", "sub/deep/", "sub/deep/c.md"],
        ),
        (
            "excludes: ['**/skip', '**/skip/**', '**/sub/']",
            ["a.txt", "empty/", "sub/"],
        ),
        ("includes: ['**/*.{txt,md}'], excludes: ['**/sub/**']", ["a.txt", "skip/", "skip/d.txt"]),
    ],
)  # fmt: skip
def test_globs_match_the_whole_path_of_the_source(
    context: Path, globs: str, kept: list[str]
) -> None:
    made = plan(context, f"        - {{src: dir, dest: /x, {globs}}}\n")
    found = targets(layer(made, "l")) if made.layers else []
    below = [target.removeprefix("/x/") for target in found if target != "/x/"]
    assert below == kept


def test_a_directory_that_comes_back_has_the_modes_of_directories(context: Path) -> None:
    made = plan(
        context,
        "        - {src: dir, dest: /x, includes: ['**/*.md'],\n"
        "           properties: {directoryPermissions: 700, filePermissions: 600, user: me}}\n",
    )
    modes = {entry.target: (entry.mode, entry.owner) for entry in layer(made, "l").entries}
    assert modes == {
        # The nearest comes first, and brings those above it along with their defaults, as in Jib.
        "/x": (0o755, ""),
        "/x/sub": (0o755, ""),
        "/x/sub/deep": (0o700, "me"),
        "/x/sub/deep/c.md": (0o600, "me"),
    }


def test_of_two_files_at_one_place_the_first_counts(context: Path) -> None:
    made = plan(
        context,
        "        - {src: file.txt, dest: /x/a.txt, properties: {filePermissions: 400}}\n"
        "        - {src: dir, dest: /x}\n",
    )
    (entry,) = [entry for entry in layer(made, "l").files if entry.target == "/x/a.txt"]
    assert entry.mode == 0o400


@pytest.mark.parametrize(
    ("properties", "owner"),
    [("user: a, group: b", "a:b"), ("user: 7", "7"), ("group: b", ":b"), ("", "")],
)
def test_owners(context: Path, properties: str, owner: str) -> None:
    made = plan(context, f"        - {{src: file.txt, dest: /x, properties: {{{properties}}}}}\n")
    assert [entry.owner for entry in layer(made, "l").files] == [owner]


def test_globs_are_not_for_files(context: Path) -> None:
    with pytest.raises(ConfigurationError, match="Cannot apply includes/excludes on single file"):
        plan(context, "        - {src: file.txt, dest: /x, includes: ['**']}\n")


def test_sources_that_are_not_there(context: Path) -> None:
    with pytest.raises(ProjectError, match=r"(?m)non-directory: .*no$"):
        plan(context, "        - {src: no, dest: /x}\n")


@pytest.mark.parametrize(("entrypoint", "expected"), [("[]", ()), ("[a]", ("a",)), ("null", None)])
def test_entrypoints(entrypoint: str, expected: tuple[str, ...] | None) -> None:
    listed = parse(f"entrypoint: {entrypoint}\n")
    options = apply_build_file(listed, BuildOptions(), explicit=())
    made = plan_listed(options, {})
    assert made.config.entrypoint == expected
    assert made.layers == ()
    assert made.base == Scratch()
