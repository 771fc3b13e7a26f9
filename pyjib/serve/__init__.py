"""The embedded registry: ``pyjib registry serve``, and the registry of our own tests.

``protocol`` turns a request into a response and knows no sockets; ``server`` and ``connection``
know sockets and no registry; ``memory`` and ``disk`` keep repositories and know neither.
"""

from pyjib.serve.faults import Fault, FaultLayer, Moment
from pyjib.serve.journal import Exchange
from pyjib.serve.message import BodyInterrupted, Request, Response
from pyjib.serve.rules import Limits, Rules
from pyjib.serve.server import RegistryServer

__all__ = [
    "BodyInterrupted",
    "Exchange",
    "Fault",
    "FaultLayer",
    "Limits",
    "Moment",
    "RegistryServer",
    "Request",
    "Response",
    "Rules",
]
