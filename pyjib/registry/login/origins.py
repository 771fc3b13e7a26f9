"""Where a text of logins comes from, and so what its user has to change: for hints.

A file that a variable leads to is not renewed as Docker's own is, and a variable is no file.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pyjib.frozen import frozen

AUTH_FILE = "--auth-file"
"""The option that names a file for one build."""
CHECK = "check user and password"
"""How a login is renewed that stands where messages name it."""
_LIKE = "it should look like Docker's config.json"
_BY_CLOUDS = {
    "ecr-login": "renew the login to AWS that it uses (aws sso login, or the AWS_ variables)",
    "gcr": "log in anew with docker-credential-gcr gcr-login",
    "gcloud": "log in anew with gcloud auth login",
    "acr-env": "correct the AZURE_ variables that it reads",
}
"""Helpers that keep nothing themselves: what their logins are made of."""


class Kind(Enum):
    """What is known of a text of logins by who leads to it."""

    VARIABLE = "the text is in a variable"
    NAMED = "a file that an option or a variable leads to"
    DOCKER = "Docker's own, which `pyjib login` writes"
    KUBERNETES = "a secret that Kubernetes mounts"
    PODMAN = "Podman's own"


@frozen
class Origin:
    """Where logins are: ``source`` is a path or a variable's name.

    ``setting`` is the option or variable that leads to a file of the kind ``NAMED``.
    """

    kind: Kind
    source: str
    setting: str = ""

    @classmethod
    def of_variable(cls, name: str) -> Origin:
        """Return the origin of a text in a variable."""
        return cls(kind=Kind.VARIABLE, source=name)

    @classmethod
    def of_named(cls, path: Path, setting: str) -> Origin:
        """Return the origin of a file that ``setting`` leads to."""
        return cls(kind=Kind.NAMED, source=str(path), setting=setting)

    @classmethod
    def of_file(cls, path: Path) -> Origin:
        """Return the origin of a file that lies where such files do, by its name."""
        kinds = {".dockerconfigjson": Kind.KUBERNETES, "auth.json": Kind.PODMAN}
        return cls(kind=kinds.get(path.name, Kind.DOCKER), source=str(path))

    def renewal(self, registry: str, key: str = "") -> str:
        """Say how a login to ``registry`` is renewed; ``key`` is its own if it is for a part."""
        if self.kind is Kind.VARIABLE:
            return f"correct the variable {self.source}"
        if self.kind is Kind.KUBERNETES:
            return f"renew the secret that is mounted as {self.source}"
        if key:
            return f"correct the entry {key} in {self.source}"
        if self.kind is Kind.NAMED:
            return f"log in anew with pyjib login {registry} --auth-file {self.source}"
        if self.kind is Kind.PODMAN:
            return (
                f"log in anew with podman login {registry}, or with pyjib login {registry}, "
                "which goes before it"
            )
        return f"log in anew with pyjib login {registry}"

    def helpers_renewal(self, helper: str, registry: str) -> str:
        """Say how a login is renewed that a credential helper keeps, which is named here."""
        if helper in _BY_CLOUDS:
            return _BY_CLOUDS[helper]
        if self.kind is Kind.VARIABLE:
            return f"have docker-credential-{helper} keep another, or correct {self.source}"
        return self.renewal(registry)

    @property
    def correction(self) -> str:
        """What to do about a text that makes no sense."""
        if self.kind is Kind.VARIABLE:
            return f"correct the variable {self.source}, or unset it: {_LIKE}"
        if self.kind is Kind.NAMED:
            return f"correct it, or name another file {_by(self.setting)}: {_LIKE}"
        if self.kind is Kind.KUBERNETES:
            return f"correct the secret that is mounted there: {_LIKE}"
        if self.kind is Kind.PODMAN:
            return f"correct it, or move it away and log in anew: {_LIKE}"
        return f"correct it, or move it away and log in anew with pyjib login: {_LIKE}"

    @property
    def other(self) -> str:
        """What to do instead of making a file readable."""
        if self.kind is Kind.NAMED:
            return f"name another file {_by(self.setting)}"
        if self.kind is Kind.DOCKER:
            return "name another directory in DOCKER_CONFIG"
        return "move it away"


def clouds_renewal(helper: str) -> str:
    """Say how a login is renewed that a cloud's helper gave which nobody named."""
    return _BY_CLOUDS.get(helper, f"see what docker-credential-{helper} lacks")


def _by(setting: str) -> str:
    return f"with {setting}" if setting.startswith("-") else f"in {setting}"
