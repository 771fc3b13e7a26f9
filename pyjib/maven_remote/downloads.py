"""From remote repositories into the local one: files and metadata, whole or not at all.

Specification: ``maven-and-gradle-projects`` §4.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from pyjib.cancellation import Cancellation
from pyjib.errors import CacheError
from pyjib.events import LibraryFetched, Listener, Warned, ignore
from pyjib.frozen import frozen
from pyjib.maven_remote import checksums, notes
from pyjib.maven_remote.arrival import arriving, copy_as, keep_text
from pyjib.maven_remote.logins import Logins
from pyjib.maven_remote.problem import TransferError
from pyjib.maven_remote.transport import Received, Transport
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.model import Repository
from pyjib.project.maven.remote import Account, Remote, Remotes
from pyjib.project.maven.secrets import Secrets
from pyjib.project.maven.session import MavenSession

_SEVERAL = 6
_NO_NAME = re.compile(r'[\\/:"<>|?*\x00-\x1f]')
"""What Maven warns of in ids of repositories, for files are named after them."""
_FOUND = Account()


@frozen
class _Wish:
    """A file and whom to ask for it."""

    artifact: Artifact
    remotes: tuple[Remote, ...]
    is_complete: bool


class RepositoryDownloads:
    """Fills one local repository; safe for threads. Each file is asked for once."""

    def __init__(
        self,
        root: Path,
        remotes: Remotes,
        transport: Transport,
        *,
        now: datetime | None = None,
        listener: Listener = ignore,
        cancellation: Cancellation,
    ) -> None:
        self._root, self._remotes, self._transport = root, remotes, transport
        self._now, self._listener, self._cancellation = now, listener, cancellation
        self._ahead = Cancellation()
        self._pool: ThreadPoolExecutor | None = None
        self._started: dict[_Wish, Future[Account]] = {}
        self._accounts: dict[Artifact, Account] = {}
        self._updated: set[tuple[Path, Remote]] = set()
        self._lock = threading.Lock()

    def fetch(self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]) -> None:
        """Download files, several at once, in exactly these versions."""
        wishes = [self._wish(artifact, repositories) for artifact in dict.fromkeys(artifacts)]
        wishes = [wish for wish in wishes if wish.remotes]
        try:
            started = [self._start(wish, pooled=len(wishes) > 1) for wish in wishes]
            for future in started:
                future.result()
        except BaseException:
            self.close()
            raise

    def fetch_ahead(
        self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]
    ) -> None:
        """Begin to download files that will most likely be asked for."""
        for artifact in dict.fromkeys(artifacts):
            wish = self._wish(artifact, repositories)
            if wish.remotes:
                self._start(wish, pooled=True, stop=self._ahead)

    def update(
        self, group: str, artifact: str, version: str | None, repositories: Sequence[Repository]
    ) -> bool:
        """Renew metadata, of all versions or of one snapshot; tell whether a file changed."""
        parts = (*group.split("."), artifact, *([version] if version else []))
        changed = False
        for remote in self._remotes.of(repositories):
            kinds = [True] if version else [False, True]
            policies = [remote.policy(snapshot=kind) for kind in kinds]
            policy = next((policy for policy in policies if policy.enabled), None)
            if policy is None or remote.blocked is not None:
                continue
            name = _NO_NAME.sub("_", remote.id)
            target = self._root.joinpath(*parts, f"maven-metadata-{name}.xml")
            with self._lock:
                known = (target, remote) in self._updated
                self._updated.add((target, remote))
            if not known and notes.is_due(target, policy.update, self._now):
                path = "/".join((*parts, "maven-metadata.xml"))
                changed |= self._update(remote, path, target, policy.checksum)
        return changed

    def account(self, artifact: Artifact) -> Account:
        """Return what came of an artifact that was asked for."""
        with self._lock:
            return self._accounts.get(artifact, _FOUND)

    def close(self) -> None:
        """End what was begun ahead, and close connections; asking for more opens them again."""
        with self._lock:
            pool, self._pool = self._pool, None
            ahead, self._ahead = self._ahead, Cancellation()
            unfinished = [wish for wish, found in self._started.items() if not found.done()]
            for wish in unfinished:
                del self._started[wish]
        ahead.cancel()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._transport.close()

    def _wish(self, artifact: Artifact, repositories: Sequence[Repository]) -> _Wish:
        remotes = self._remotes.of(repositories)
        snapshot = artifact.is_snapshot
        return _Wish(
            artifact=artifact,
            remotes=tuple(each for each in remotes if each.policy(snapshot=snapshot).enabled),
            is_complete=snapshot or self._remotes.has_all(repositories),
        )

    def _start(
        self, wish: _Wish, *, pooled: bool, stop: Cancellation | None = None
    ) -> Future[Account]:
        """Begin a download, unless it is under way or done; here and now if not ``pooled``."""
        with self._lock:
            known = self._started.get(wish)
            if known is not None:
                return known
            if pooled:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(_SEVERAL, thread_name_prefix="pyjib-fetch")
                future = self._pool.submit(self._download, wish, stop)
            else:
                future = Future()
            self._started[wish] = future
        if not pooled:
            try:
                future.set_result(self._download(wish, stop))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future

    def _download(self, wish: _Wish, stop: Cancellation | None) -> Account:
        account = self._ask_all(wish, stop)
        with self._lock:
            self._accounts[wish.artifact] = account
        return account

    def _ask_all(self, wish: _Wish, stop: Cancellation | None) -> Account:
        artifact = wish.artifact
        searched: list[Remote] = []
        problems: list[str] = []
        hint: str | None = None
        for remote in wish.remotes:
            try:
                if self._ask(remote, artifact, stop):
                    return _FOUND
                searched.append(remote)
            except TransferError as error:
                problems.append(
                    f"Could not transfer artifact {artifact} from/to {remote}: {error.reason}"
                )
                hint = hint or error.hint
        if searched:
            where = ", ".join(map(str, searched))
            problems.insert(0, f"Could not find artifact {artifact} in {where}")
        if not wish.is_complete:
            problems.append("Maven's own repository was not asked, for it has no address here")
            hint = hint or "give its address: --maven-repository URL"
        is_absent = bool(searched) and len(searched) == len(wish.remotes) and wish.is_complete
        return Account(text="; ".join(problems), hint=hint, searched=is_absent)

    def _ask(self, remote: Remote, artifact: Artifact, stop: Cancellation | None) -> bool:
        """Download a file from one repository; ``False`` if it has none."""
        if remote.blocked is not None:
            raise TransferError(
                remote.blocked,
                hint="use https, or declare a mirror for it in settings.xml",
            )
        folder = (*artifact.group.split("."), artifact.artifact, artifact.base_version)
        name = artifact.file_name(artifact.version)
        path = "/".join((*folder, name))
        target = self._root.joinpath(*folder, name)
        policy = remote.policy(snapshot=artifact.is_snapshot).checksum
        received = self._receive(remote, path, target, policy, stop)
        if received is None:
            return False
        with _disk(target):
            keep_text(target.with_name(f"{name}.sha1"), received.sha1)
            notes.note_origin(target, remote.id)
            if artifact.version != artifact.base_version:
                copy_as(target, target.with_name(artifact.file_name(artifact.base_version)))
        self._listener(LibraryFetched(name=name, size=received.size, source=str(remote)))
        return True

    def _update(self, remote: Remote, path: str, target: Path, policy: str | None) -> bool:
        try:
            received = self._receive(remote, path, target, policy, None)
        except TransferError as error:
            self._listener(
                Warned(
                    message=f"Could not transfer metadata {path} from/to {remote}: {error.reason}",
                    hint=error.hint,
                )
            )
            return False
        if received is None and not target.parent.is_dir():
            return False
        with _disk(target):
            if received is not None:
                keep_text(target.with_name(f"{target.name}.sha1"), received.sha1)
            notes.note_update(target, self._now, found=received is not None)
        return received is not None

    def _receive(
        self,
        remote: Remote,
        path: str,
        target: Path,
        policy: str | None,
        stop: Cancellation | None,
    ) -> Received | None:
        """Download into ``target`` by way of a temporary file; nothing else stays behind."""
        with _disk(target), arriving(target) as partial:
            received = self._transport.download(remote, path, partial.file, stop=stop)
            if received is None:
                return None
            partial.file.flush()
            if policy != checksums.IGNORE:
                self._check(remote, path, partial.path, received, policy, stop)
            partial.arrive(durable=False)
        return received

    def _check(
        self,
        remote: Remote,
        path: str,
        file: Path,
        received: Received,
        policy: str | None,
        stop: Cancellation | None,
    ) -> None:
        expected = checksums.stated_in(received.headers) or checksums.stated_beside(
            lambda suffix: self._transport.read(remote, path + suffix, stop=stop)
        )
        if expected is None:
            reason = "Checksum validation failed, no checksums available"
            if policy == checksums.FAIL:
                raise TransferError(reason)
            self._listener(Warned(message=f"{path} from {remote}: {reason}"))
            return
        try:
            checksums.require(file, expected)
        except TransferError as error:
            if policy != checksums.WARN:
                raise
            self._listener(Warned(message=f"{path} from {remote}: {error.reason}"))


def open_downloads(
    session: MavenSession,
    given: Iterable[Repository],
    *,
    options: RegistryOptions,
    host: HostEnvironment,
    now: datetime | None,
    listener: Listener = ignore,
    cancellation: Cancellation,
) -> RepositoryDownloads:
    """Return what fills the local repository of a session; nothing is opened yet.

    ``given`` are the repositories that the user names besides those of POMs and settings.
    """
    logins = Logins(session.settings, Secrets(session.security_file))
    transport = Transport(logins, options, host, listener=listener, cancellation=cancellation)
    return RepositoryDownloads(
        session.local_repository,
        Remotes(session.settings.mirrors, tuple(given)),
        transport,
        now=now,
        listener=listener,
        cancellation=cancellation,
    )


@contextlib.contextmanager
def _disk(target: Path) -> Iterator[None]:
    """Turn what the system says against writing into an error for the user."""
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"cannot write {error.filename or target}: {error.strerror or error}",
            hint="see that the local repository can be written, or name another: "
            "-Dmaven.repo.local=DIR",
        ) from None
