"""Java class files: which release they need, and whether they have a main method.

The format is that of the Java Virtual Machine Specification, chapter 4. Only what is asked
for here is read; versions newer than any known are welcome, for the layout has not changed
since the first one.
"""

from __future__ import annotations

import struct

from pyjib.frozen import frozen

MAGIC = b"\xca\xfe\xba\xbe"
HEAD_SIZE = 8
"""As many bytes tell the version."""

_PUBLIC, _PRIVATE, _PROTECTED, _STATIC, _FINAL = 0x1, 0x2, 0x4, 0x8, 0x10
_VARARGS, _SYNTHETIC = 0x80, 0x1000
_OPTIONAL = _FINAL | _VARARGS | _SYNTHETIC

_JAVA_25 = 69
_JAVA_1 = 45
_PREVIEW = 0xFFFF
_WITH_ARGUMENTS = "([Ljava/lang/String;)V"
_WITHOUT_ARGUMENTS = "()V"
_MAIN_CONSTANT = b"\x01\x00\x04main"

_UTF8, _CLASS, _WIDE = 1, 7, (5, 6)
# Bytes after the tag (4.4); long and double, tags 5 and 6, also take two numbers.
_CONSTANT_SIZES = {
    **dict.fromkeys((7, 8, 16, 19, 20), 2),
    15: 3,
    **dict.fromkeys((3, 4, 9, 10, 11, 12, 17, 18), 4),
    **dict.fromkeys(_WIDE, 8),
}


class MalformedClassError(ValueError):
    """Bytes are not a class file. Raised and caught in this package alone."""


@frozen
class ClassVersion:
    """The version of a class file; ``minor`` 65535 says that it uses preview features."""

    major: int
    minor: int = 0

    @property
    def release(self) -> int:
        """The Java release that is needed at least: 8 for ``major`` 52."""
        return max(1, self.major - _JAVA_1 + 1)


@frozen
class _Method:
    access: int
    name: str
    descriptor: str


def read_version(head: bytes) -> ClassVersion:
    """Read the version off the first ``HEAD_SIZE`` bytes; raises ``MalformedClassError``."""
    return ClassVersion(major=read_major(head), minor=int.from_bytes(head[4:6], "big"))


def read_major(head: bytes) -> int:
    """Read the major version alone, at less cost where there are thousands of files.

    Raises ``MalformedClassError``.
    """
    if len(head) < HEAD_SIZE or not head.startswith(MAGIC):
        raise MalformedClassError("it does not begin like a class file")
    major = head[6] << 8 | head[7]
    if major < _JAVA_1:
        raise MalformedClassError(f"its version {major} is older than Java")
    return major


def find_main(content: bytes) -> str | None:
    """Return the name of the class, with dots, if it can start an application.

    The rules are those of Jib: up to Java 24 a ``public static void main(String[])`` that is
    neither synchronized nor native nor strictfp; from Java 25 on also one without parameters,
    of an instance, and of any access but private (JEP 512). Classes compiled with preview
    features are held to the old rule. A main method that is inherited does not count.

    Raises ``MalformedClassError``.
    """
    if _MAIN_CONSTANT not in content:
        read_major(content)
        return None  # nearly all classes, at a hundredth of the price
    version = read_version(content)
    try:
        constants, position = _read_constants(content)
        this_class, interfaces = struct.unpack_from(">2xH2xH", content, position)
        position += 8 + 2 * interfaces
        for _ in range(2):  # fields, then methods
            members, position = _read_members(content, position, constants)
        name = constants[struct.unpack(">H", constants[this_class])[0]]
        if any(_is_main(method, version) for method in members):
            return name.decode().replace("/", ".")
    except (struct.error, KeyError, UnicodeDecodeError):
        raise MalformedClassError("it is damaged or cut off") from None
    return None


def _is_main(method: _Method, version: ClassVersion) -> bool:
    if method.name != "main":
        return False
    if version.major < _JAVA_25 or version.minor == _PREVIEW:
        exact = method.access & ~_OPTIONAL == _PUBLIC | _STATIC
        return exact and method.descriptor == _WITH_ARGUMENTS
    if method.descriptor not in (_WITH_ARGUMENTS, _WITHOUT_ARGUMENTS):
        return False
    return method.access & ~(_PUBLIC | _PROTECTED | _OPTIONAL) in (_STATIC, 0)


def _read_constants(content: bytes) -> tuple[dict[int, bytes], int]:
    """Return the bytes of Utf8 and Class constants by number, and where the pool ends."""
    found: dict[int, bytes] = {}
    (count,) = struct.unpack_from(">H", content, 8)
    position, number = 10, 1
    while number < count:
        tag = content[position : position + 1]
        position += 1
        if tag == b"\x01":
            (length,) = struct.unpack_from(">H", content, position)
            position += 2
            found[number] = content[position : position + length]
            position += length
        else:
            kind = tag[0] if tag else 0
            size = _CONSTANT_SIZES[kind]
            if kind == _CLASS:
                found[number] = content[position : position + size]
            position += size
            number += kind in _WIDE
        number += 1
    return found, position


def _read_members(
    content: bytes, position: int, constants: dict[int, bytes]
) -> tuple[list[_Method], int]:
    """Return the methods that begin at ``position`` (or fields, which look alike), and the end."""
    members = []
    (count,) = struct.unpack_from(">H", content, position)
    position += 2
    for _ in range(count):
        access, name, descriptor, attributes = struct.unpack_from(">4H", content, position)
        position += 8
        for _ in range(attributes):
            (length,) = struct.unpack_from(">2xL", content, position)
            position += 6 + length
        members.append(
            _Method(
                access=access,
                name=constants[name].decode("utf-8", "replace"),
                descriptor=constants[descriptor].decode("utf-8", "replace"),
            )
        )
    return members, position


__all__ = ["HEAD_SIZE", "ClassVersion", "MalformedClassError", "find_main", "read_version"]
