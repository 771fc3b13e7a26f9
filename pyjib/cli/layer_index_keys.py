"""``--layer-index-key`` and its variable: where the keys of a signed layer index come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, LayerIndexKeys, LayerIndexMode

KEY_VARIABLE = "PYJIB_LAYER_INDEX_KEY"
_FLAG = "--layer-index-key"
_MOST = 1 << 16

KeySource: TypeAlias = Path | str
"""A file of keys, or a public key itself, as text."""


def parse_key_source(text: str) -> KeySource:
    """Tell a file from a public key; raises ``ConfigurationError`` for a secret."""
    if not text.strip():
        raise ConfigurationError("it is empty")
    from pyjib.layer_index.keys import is_key, is_private  # noqa: PLC0415  few builds have keys

    if is_private(text):
        raise ConfigurationError(
            "a private key does not belong into arguments, which every process can read",
            hint=f"put it into a file, or into the variable {KEY_VARIABLE}",
        )
    return text if is_key(text) else Path(text)


def read_layer_index(
    choice: LayerIndexMode | Reference | None, sources: Sequence[KeySource], host: HostEnvironment
) -> dict[str, Any]:
    """Return the fields of ``BuildOptions`` that tell of the layer index, as far as they are set.

    Raises ``ConfigurationError`` for keys that cannot be read, unless the index is off.
    """
    choice = choice or (LayerIndexMode.AUTO if sources else None)
    keys = None
    if choice not in (None, LayerIndexMode.OFF):
        keys = _read_keys(sources, host.get(KEY_VARIABLE))
    return {"layer_index": choice, "layer_index_keys": keys}


def warn_of_variable(
    choice: LayerIndexMode | Reference | None, sources: Sequence[KeySource], host: HostEnvironment
) -> Iterator[Warned]:
    """Yield a warning if the variable does not do what whoever set it will have meant."""
    if sources or choice is LayerIndexMode.OFF or KEY_VARIABLE not in host.variables:
        return
    if choice is None and host.get(KEY_VARIABLE) is not None:
        yield Warned(
            message=f"{KEY_VARIABLE} is set, and nothing is signed: the variable alone turns "
            "no layer index on",
            hint=f"pass {_FLAG} layer-index.pub, or --layer-index off if none is wanted",
        )
    elif choice is not None and host.get(KEY_VARIABLE) is None:  # a secret that CI does not have
        yield Warned(
            message=f"{KEY_VARIABLE} is empty, and so the layer index goes without signatures: "
            "whoever may write to the repository is trusted",
            hint=f"pass {_FLAG} layer-index.pub too: then builds without the secret believe what "
            "is signed, and nothing else",
        )


def _read_keys(sources: Sequence[KeySource], variable: str | None) -> LayerIndexKeys | None:
    if not sources and variable is None:
        return None
    from pyjib.layer_index.keys import KeyText, is_key, read_keys  # noqa: PLC0415  as above

    texts = []
    for source in sources:
        text = _read(source, f"{_FLAG} {source}") if isinstance(source, Path) else source
        name = f"{_FLAG} {source}" if isinstance(source, Path) else _FLAG
        texts.append(KeyText(text=text, source=name))
    if variable is not None:
        text = variable if is_key(variable) else _read_named(variable)
        signing = KeyText(text=text, source=KEY_VARIABLE)
        if read_keys(signing).private is None:
            raise ConfigurationError(
                f"{KEY_VARIABLE} has a public key, and layers are signed by the private one",
                hint=f"set it to what layer-index.key holds; public keys are for {_FLAG}",
            )
        texts.append(signing)
    keys = read_keys(*texts)
    _check_pair(keys, _FLAG if variable is None else KEY_VARIABLE)
    return keys


def _check_pair(keys: LayerIndexKeys, source: str) -> None:
    """Raise ``ConfigurationError`` for a private key that belongs to none of the public ones.

    Whoever has those alone, as pull requests have, would believe nothing that it signs.
    """
    if keys.private is None or not keys.public:
        return
    from pyjib.layer_index.signing import public_key  # noqa: PLC0415  few builds sign

    if public_key(keys.private) not in keys.public:
        raise ConfigurationError(
            f"the private key in {source} belongs to none of the public keys of {_FLAG}",
            hint=f"give its public key with {_FLAG} too, beside the old one if the key is new",
        )


def _read_named(variable: str) -> str:
    """Return the text of the file that the variable names; what it says is not shown."""
    try:
        return _read(Path(variable), f"the file that {KEY_VARIABLE} names")
    except ConfigurationError as error:
        raise ConfigurationError(
            error.message,
            hint="set it to a key in PEM form, to the line of base64 that is within, or to the "
            "path of a file",
        ) from None


def _read(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or "it is no path"
        raise ConfigurationError(
            f"cannot read {what}: {reason}",
            hint="pyjib init layer-index-key makes a pair of keys",
        ) from None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > _MOST:
        raise ConfigurationError(
            f"{what} has no key in PEM form",
            hint="pyjib init layer-index-key makes a pair of keys",
        )
    return text
