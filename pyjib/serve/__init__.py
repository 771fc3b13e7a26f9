"""The embedded registry: ``pyjib registry serve``, and the registry of our own tests.

``protocol`` turns a request into a response and knows no sockets; ``server``, ``listener`` and
``connection`` know sockets and no registry; ``memory`` and ``disk`` keep repositories and know
neither. What makes it misbehave stands between: ``faults`` by rules (``fault_file`` reads them),
``quirk_layer`` like another registry in use (``quirks`` has the presets). ``pull_through`` makes
it a cache. How all of it is used: ``docs/embedded-registry.md``.
"""

from pyjib.serve.fault_file import parse_faults, read_faults
from pyjib.serve.faults import Fault, FaultLayer, Moment
from pyjib.serve.journal import Exchange
from pyjib.serve.message import BodyInterrupted, Request, Response
from pyjib.serve.pull_through import Upstream
from pyjib.serve.quirks import PRESETS, Places, Quirks
from pyjib.serve.rules import Limits, Rules
from pyjib.serve.server import RegistryServer

__all__ = [
    "PRESETS",
    "BodyInterrupted",
    "Exchange",
    "Fault",
    "FaultLayer",
    "Limits",
    "Moment",
    "Places",
    "Quirks",
    "RegistryServer",
    "Request",
    "Response",
    "Rules",
    "Upstream",
    "parse_faults",
    "read_faults",
]
