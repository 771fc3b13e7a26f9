"""All parameters of Jib's Maven plugin, each with a value that is not its default.

The table is that of Jib's documentation (``jib-plugins-and-cli`` §1.4), one line a parameter. A value
is what is written within the element; ``property`` is the one of ``-D``, ``None`` where Jib has none.
"""

from __future__ import annotations

from typing import NamedTuple


class Parameter(NamedTuple):
    """A parameter; ``shows`` names the field of the result in which it must tell."""

    name: str
    element: str | None
    property: str | None
    shows: str


_LOGIN = "<username>u</username><password>p</password>"

EVERY = (
    Parameter("from.image", "busybox:1", "busybox:1", "base"),
    Parameter(
        "from.platforms",
        "<platform><os>linux</os><architecture>arm64</architecture></platform>",
        "linux/arm64",
        "platforms",
    ),
    Parameter("from.auth", _LOGIN, None, "registry"),
    Parameter("from.auth.username", None, "u", "registry"),
    Parameter("from.auth.password", None, "p", "registry"),
    Parameter("from.credHelper", "ecr-login", "ecr-login", "registry"),
    Parameter("to.image", "other/name", "other/name", "targets"),
    Parameter("to.tags", "<tag>x</tag>", "x,y", "tags"),
    Parameter("to.auth", _LOGIN, None, "registry"),
    Parameter("to.auth.username", None, "u", "registry"),
    Parameter("to.auth.password", None, "p", "registry"),
    Parameter("to.credHelper", "ecr-login", "ecr-login", "registry"),
    Parameter("container.appRoot", "/srv", "/srv", "app_root"),
    Parameter("container.args", "<arg>a</arg>", "a,b", "arguments"),
    Parameter("container.entrypoint", "<e>sh</e>", "sh", "entrypoint"),
    Parameter("container.jvmFlags", "<f>-Xmx1m</f>", "-Xmx1m", "jvm_flags"),
    Parameter("container.extraClasspath", "<c>/c</c>", "/c", "extra_classpath"),
    Parameter("container.mainClass", "x.Y", "x.Y", "main_class"),
    Parameter("container.expandClasspathDependencies", "true", "true", "expand_classpath"),
    Parameter("container.environment", "<A>b</A>", "A=b", "environment"),
    Parameter("container.labels", "<l>m</l>", "l=m", "labels"),
    Parameter("container.ports", "<p>80</p>", "80", "ports"),
    Parameter("container.volumes", "<v>/v</v>", "/v", "volumes"),
    Parameter("container.user", "1:2", "1:2", "user"),
    Parameter("container.workingDirectory", "/w", "/w", "working_directory"),
    Parameter("container.format", "OCI", "OCI", "format"),
    Parameter("container.creationTime", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "created"),
    Parameter(
        "container.filesModificationTime",
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z",
        "file_time",
    ),
    Parameter("containerizingMode", "packaged", "packaged", "mode"),
    Parameter("extraDirectories.paths", "<path>extra</path>", "extra", "extra_directories"),
    Parameter(
        "extraDirectories.permissions",
        "<permission><file>/f</file><mode>700</mode></permission>",
        "/f=700",
        "permissions",
    ),
    Parameter("outputPaths.tar", "a.tar", "a.tar", "outputs"),
    Parameter("outputPaths.digest", "a.digest", "a.digest", "outputs"),
    Parameter("outputPaths.imageId", "a.id", "a.id", "outputs"),
    Parameter("outputPaths.imageJson", "a.json", "a.json", "outputs"),
    Parameter(
        "dockerClient.executable",
        "/usr/local/bin/docker",
        "/usr/local/bin/docker",
        "engine_program",
    ),
    Parameter("dockerClient.environment", "<DOCKER_HOST>h</DOCKER_HOST>", "DOCKER_HOST=h", "host"),
    Parameter("allowInsecureRegistries", "true", "true", "registry"),
    Parameter("skip", "true", "true", "skipped"),
    Parameter("containerize", None, "other", "skipped"),
    Parameter(
        "pluginExtensions",
        "<pluginExtension><implementation>a.B</implementation></pluginExtension>",
        None,
        "warnings",
    ),
    Parameter("skaffold", "<sync><excludes><e>x</e></excludes></sync>", None, "sync_excludes"),
)

OF_THE_JVM = {
    "sendCredentialsOverHttp": ("true", "registry"),
    "jib.requiredVersion": ("[99,)", "error"),
    "jib.configDirectory": ("/nowhere", "config_directory"),
    "jib.httpTimeout": ("1", "warnings"),
    "jib.useOnlyProjectCache": ("true", "warnings"),
    "jib.baseImageCache": ("x", "warnings"),
    "jib.applicationCache": ("x", "warnings"),
    "jib.serialize": ("true", "warnings"),
    "jib.blobMounts": ("false", "warnings"),
    "jib.skipExistingImages": ("true", "warnings"),
    "jib.alwaysCacheBaseImage": ("true", "nothing"),
    "jib.console": ("plain", "nothing"),
    "jib.disableUpdateChecks": ("true", "nothing"),
}
"""Properties without a parameter: a value, and where it tells; ``nothing`` is as pyjib is anyway."""
