"""The places where logins are looked for, in order; ``docs/credentials.md`` tells users.

1. the caller's own (``RegistryOptions.logins``), then his own helper for the registry,
2. the file that the caller names (``RegistryOptions.auth_file``),
3. ``DOCKER_AUTH_CONFIG``: the text of a Docker config (GitLab CI sets it),
4. ``REGISTRY_AUTH_FILE``, Podman's variable for a file,
5. Docker's ``config.json`` in ``DOCKER_CONFIG`` or ``~/.docker``, then the old ``~/.dockercfg``,
6. Podman's ``containers/auth.json`` in ``XDG_RUNTIME_DIR``, then ``XDG_CONFIG_HOME``,
7. for a cloud's registry its own helper if it is on the ``PATH``, then what ``cloud`` finds.

Docker's file goes before Podman's, since ``pyjib login`` writes it: what was logged in to last
must not be hidden by an older login. Within a file ``credHelpers`` goes before ``credsStore``, and
either masks ``auths``.

A file that somebody named (2, 4, and ``DOCKER_CONFIG``) has to be readable; one that lies where
such files do, and may not be read, is passed over with a warning, as Docker does. So is one that
2 or 4 name and that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError, ConfigurationError, PyjibError
from pyjib.frozen import frozen
from pyjib.options import CredentialHelper, HostEnvironment, RegistryOptions
from pyjib.presence import is_file
from pyjib.registry.login import docker_config, helpers
from pyjib.registry.login.cloud.model import CloudTools, Provider
from pyjib.registry.login.credential import GIVEN, Credential, Outcome, Step, names_of, server_of
from pyjib.registry.login.docker_config import DockerConfig, NamedHelper, UnreadableError
from pyjib.registry.login.origins import AUTH_FILE, CHECK, Origin, clouds_renewal

_TEXT = "DOCKER_AUTH_CONFIG"
_LONGEST_PATH = 4096
_PODMANS = "REGISTRY_AUTH_FILE"
KUBERNETES_FILE = ".dockerconfigjson"
"""The file in which Kubernetes mounts a secret of registry logins."""


@frozen
class Nothing:
    """A source has no login, and says why, with a ``hint`` if that is worth a warning."""

    outcome: Outcome
    said: str
    hint: str = ""


Told: TypeAlias = Credential | Nothing

T = TypeVar("T")


class Memory:
    """What programs and clouds told, so that each is asked once for all of a build's repositories.

    Not safe for threads.
    """

    def __init__(self) -> None:
        self._told: dict[Hashable, Any] = {}

    def recall(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return what ``ask`` returned before for ``key``, else ask; what it raises is not kept."""
        if key not in self._told:
            self._told[key] = ask()
        told: T = self._told[key]
        return told

    def forget(self, login: Credential) -> None:
        """Have whoever told this login asked anew."""
        self._told = {key: told for key, told in self._told.items() if told != login}


@frozen
class Source:
    """A place to look in. ``look`` may ask a user, and raises ``PyjibError``.

    The failure of a source that is only ``inferred``, which nobody set up for this registry, does
    not end a search.
    """

    name: str
    look: Callable[[], Told]
    inferred: bool = False

    def step(self, outcome: Outcome, said: str, hint: str = "") -> Step:
        """Say what came of it."""
        return Step(source=self.name, outcome=outcome, said=said, hint=hint)


@frozen
class Places:
    """Knows the sources for one registry, and for the part of it that ``repository`` lies in.

    Without ``cloud`` no cloud is asked.
    """

    registry: str
    repository: str
    options: RegistryOptions
    host: HostEnvironment
    memory: Memory
    provider: Provider | None = None
    cloud: CloudTools | None = None
    cancellation: Cancellation | None = None

    def sources(self) -> Iterator[Source]:
        """Yield all sources in order, looking into none."""
        yield Source(name=GIVEN, look=self._given)
        for helper in self.options.helpers:
            if helper.registry.lower() in names_of(self.registry):
                yield self._own_helper(helper)
        if self.options.auth_file is not None:
            yield self._named(self.options.auth_file, AUTH_FILE)
        yield Source(name=_TEXT, look=self._variable)
        named = self.host.get(_PODMANS)
        if named:
            yield self._named(Path(named), _PODMANS)
        else:
            yield Source(name=_PODMANS, look=_unset)
        chosen = self.host.get("DOCKER_CONFIG") is not None
        own = docker_config.path_of(self.host)
        for path in _files(self.host):
            yield self._file(path, named=chosen and path.parent == own.parent)
        if self.provider is not None:
            yield from self._clouds(self.provider)

    def _given(self) -> Told:
        names = names_of(self.registry)
        for login in self.options.logins:
            if login.registry.lower() in names:
                return Credential(
                    source=login.source or GIVEN,
                    username=login.username,
                    password=login.password,
                    renewal=CHECK,
                )
        if not self.options.logins:
            return Nothing(outcome=Outcome.UNSET, said="no login was given")
        return self._told(None)

    def _own_helper(self, helper: CredentialHelper) -> Source:
        def look() -> Told:
            server = server_of(self.registry)
            found = self.memory.recall(
                (helper, server),
                lambda: helpers.ask(helper, server, self.host, self.cancellation),
            )
            named = f", or name another in {helper.source}" if helper.source else ""
            return self._told(found, f"have {helper.program} keep another login{named}")

        return Source(name=f"the credential helper {helper.program}", look=look)

    def _variable(self) -> Told:
        text = self.host.get(_TEXT)
        if text is None:
            return _unset()
        if _is_path(text):
            raise ConfigurationError(
                f"{_TEXT} holds the path of a file in the place of its text",
                hint=f"name that file in {_PODMANS} or with {AUTH_FILE}; in GitLab the variable "
                "has to be of the type Variable, not File",
            )
        return self._in(docker_config.parse(text, Origin.of_variable(_TEXT)))

    def _named(self, path: Path, setting: str) -> Source:
        """Return a file as a source that a setting names, and not just its directory."""
        origin = Origin.of_named(path, setting)
        return Source(name=str(path), look=lambda: self._read(path, origin, named=True))

    def _file(self, path: Path, *, named: bool) -> Source:
        """Return a file as a source; ``named`` tells whether somebody named its directory."""
        origin = Origin.of_file(path)
        return Source(name=str(path), look=lambda: self._read(path, origin, named=named))

    def _read(self, path: Path, origin: Origin, *, named: bool) -> Told:
        try:
            config = docker_config.read(path, origin)
        except UnreadableError as error:
            if named:
                raise
            return Nothing(outcome=Outcome.UNREADABLE, said=error.message, hint=error.hint or "")
        if config is None and origin.setting:
            # Podman fails, Skopeo goes on and says nothing: its image names a file that is not
            # there unless somebody mounts it.
            said = f"does not exist, though {origin.setting} named it"
            return Nothing(outcome=Outcome.MISSING, said=said, hint="correct its path")
        if config is None:
            return Nothing(outcome=Outcome.MISSING, said="does not exist")
        return self._in(config)

    def _in(self, config: DockerConfig) -> Told:
        helper = config.helper_for(self.registry)
        if helper is None:
            return self._told(config.find(self.registry, self.repository))
        found = self._ask(helper)
        if found is None:
            said = f"docker-credential-{helper.name} has no login to {self.registry}"
            return Nothing(outcome=Outcome.NONE, said=said)
        return replace(found, renewal=config.origin.helpers_renewal(helper.name, self.registry))

    def _ask(self, helper: NamedHelper) -> Credential | None:
        name, server = helper.name, server_of(self.registry)
        return self.memory.recall(
            (name, server),
            lambda: helpers.get(
                name, server, self.host, by=helper.by, cancellation=self.cancellation
            ),
        )

    def _told(self, found: Credential | None, renewal: str = "") -> Told:
        """Return a login, with how it is renewed where that is not known yet, or that none is."""
        if found is None:
            said = f"has no login to {self.registry}"
            return Nothing(outcome=Outcome.NONE, said=said)
        return found if found.renewal else replace(found, renewal=renewal)

    def _clouds(self, provider: Provider) -> Iterator[Source]:
        for name in provider.helpers:
            if helpers.is_installed(name, self.host):
                yield self._clouds_helper(name)
        yield Source(
            name=f"{provider.name}'s own login", look=lambda: self._cloud(provider), inferred=True
        )

    def _clouds_helper(self, name: str) -> Source:
        def look() -> Told:
            found = self._ask(NamedHelper(name=name, by=""))
            return self._told(found, clouds_renewal(name))

        return Source(name=f"docker-credential-{name}", look=look, inferred=True)

    def _cloud(self, provider: Provider) -> Told:
        cloud, registry = self.cloud, self.registry.lower()
        if cloud is None:
            return Nothing(outcome=Outcome.UNASKED, said="not asked")
        try:
            found = self.memory.recall(
                (provider, registry), lambda: provider.login(registry, cloud)
            )
        except ConfigurationError as error:
            # It ends no search, so nothing else will show what helps.
            hint = f": {error.hint}" if error.hint else ""
            raise ConfigurationError(f"{error.message}{hint}") from None
        if isinstance(found, Credential):
            return self._told(
                found,
                f"renew what it was got by, or log in with pyjib login {registry}, which goes "
                "before it",
            )
        return Nothing(outcome=Outcome.UNSET, said=found.said)


def look_through(
    sources: Iterator[Source],
) -> tuple[Credential | None, list[Step], PyjibError | None]:
    """Ask sources until one has a login; return it, what each said, and what ended it early.

    Raises ``CancelledError``.
    """
    steps: list[Step] = []
    found: Credential | None = None
    failure: PyjibError | None = None
    for source in sources:
        if found is not None or failure is not None:
            steps.append(source.step(Outcome.UNASKED, "not asked"))
            continue
        try:
            told = source.look()
        except CancelledError:
            raise
        except PyjibError as error:
            steps.append(source.step(Outcome.FAILED, error.message))
            failure = None if source.inferred else error
            continue
        if isinstance(told, Credential):
            found = told
            where = f", of {told.source}" if source.name == GIVEN != told.source else ""
            steps.append(source.step(Outcome.FOUND, f"has a login: {_words(told)}{where}"))
        else:
            steps.append(source.step(told.outcome, told.said, told.hint))
    return found, steps, failure


def _words(credential: Credential) -> str:
    """Say what a login is, in words that are no secret."""
    if credential.registry_token:
        what = "a ready token"
    elif credential.identity_token:
        what = "an identity token"
    else:
        what = f"user {credential.username}"
    return what


def _is_path(text: str) -> bool:
    """Tell whether a variable has a file's path where its text should be."""
    path = text.strip()
    return len(path) < _LONGEST_PATH and "{" not in path and bool(path) and is_file(Path(path))


def _unset() -> Nothing:
    return Nothing(outcome=Outcome.UNSET, said="not set")


def _files(host: HostEnvironment) -> Iterator[Path]:
    own = docker_config.path_of(host)
    yield own
    mounted = own.with_name(KUBERNETES_FILE)
    if is_file(mounted):
        yield mounted
    old = host.home / ".dockercfg"
    if is_file(old):
        yield old
    runtime = host.get("XDG_RUNTIME_DIR")
    if runtime:
        yield Path(runtime) / "containers" / "auth.json"
    config = host.get("XDG_CONFIG_HOME")
    yield (Path(config) if config else host.home / ".config") / "containers" / "auth.json"
