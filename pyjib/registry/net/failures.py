"""What fails before an answer is complete, as errors of our own that say what to check."""

from __future__ import annotations

import socket
import ssl

import httpcore

from pyjib.errors import PyjibError, TransportError
from pyjib.registry.net.message import Request
from pyjib.registry.net.proxies import Proxy
from pyjib.registry.net.reach import is_loopback
from pyjib.registry.net.retry import CUT, FIRST_CONTACT, FIRST_CONTACT_HERE, NoTlsError, Passing

CONNECT_TIMEOUT = 10.0
HTTP_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)
"""All that httpcore raises."""

_OVERLOADED = "try again; if it stays so, the server or the network is overloaded"
_PROXY = "check https_proxy, and whether no_proxy should name this host"
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64  # X509_V_ERR_* of OpenSSL
_OF_OURS = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)
"""What servers say of the certificate that we show, or do not show."""


def mapped(
    error: Exception, request: Request, proxy: Proxy | None, *, known: bool = True
) -> Passing | PyjibError:
    """Return what an error of httpcore is to us: ``Passing`` if repeating may help.

    ``known`` tells whether the host ever answered. One that did will come back; of one that did
    not, the name or the port may be wrong, which nobody wants to be told half a minute later.
    """
    where, causes = request.url.authority, _causes(error)
    lasting = _lasting(where, error, causes, proxy)
    if lasting is not None:
        return lasting
    if isinstance(error, (httpcore.ConnectTimeout, httpcore.ConnectError)):
        here = is_loopback(request.url.host)
        few = FIRST_CONTACT_HERE if here else FIRST_CONTACT
        return Passing(_no_connection(where, error, causes, proxy), most=None if known else few)
    what = f"{request.method} {request.url}"
    if isinstance(error, httpcore.TimeoutException):
        reason = str(error) if "almost nothing" in str(error) else "stopped answering"
        return Passing(TransportError(f"{where} {_said(reason)}", hint=_OVERLOADED))
    if isinstance(error, (httpcore.NetworkError, httpcore.RemoteProtocolError)):
        reason = str(error).removesuffix(".") or type(error).__name__
        message = f"the connection to {where} broke ({reason})"
        return Passing(TransportError(message, hint=CUT))
    # What h11 says of a header that cannot be sent has the header's value in it: a login's.
    reason = "a header has bytes that no header may have" if _is_of_header(error) else str(error)
    return TransportError(f"cannot send {what}: {reason}")


def _is_of_header(error: Exception) -> bool:
    return "header" in str(error).lower() and isinstance(error, httpcore.LocalProtocolError)


def _said(reason: str) -> str:
    return reason if reason == "stopped answering" else f"is too slow: {reason}"


def _lasting(
    where: str, error: Exception, causes: list[BaseException], proxy: Proxy | None
) -> TransportError | None:
    """Return the error for what repeating would not change."""
    for cause in causes:
        if isinstance(cause, httpcore.ProxyError):
            return _refused_by(proxy, where, str(cause))
        if isinstance(cause, ssl.SSLError):
            found = _tls_failure(where, cause, connecting=isinstance(error, httpcore.ConnectError))
            if found is not None:
                return found
        if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
            return _unknown_host(where, proxy)
    return None


def _refused_by(proxy: Proxy | None, where: str, said: str) -> TransportError:
    if said.startswith("407"):
        return TransportError(
            f"cannot reach {where}: the proxy {proxy} wants a login, or another (407)",
            hint="write it into https_proxy and http_proxy as http://USER:PASSWORD@HOST:PORT, "
            "with %40 for @ and the like",
        )
    return TransportError(f"cannot reach {where}: the proxy refused ({said})", hint=_PROXY)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _tls_failure(where: str, error: ssl.SSLError, *, connecting: bool) -> TransportError | None:
    """Return the error for TLS that will not work, ``None`` if a connection was merely cut."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransportError(
            f"the certificate of {where} cannot be trusted: {error.verify_message}",
            hint=_certificate_hint(where, error.verify_code),
        )
    if error.reason in _OF_OURS:
        return TransportError(
            f"{where} does not take the client certificate that it was shown, or wants one: "
            f"{error.reason.lower().partition('alert_')[2].replace('_', ' ')}",
            hint=f"pass one with --client-cert {where}=CERTIFICATE,KEY, or put NAME.cert and "
            f"NAME.key into ~/.docker/certs.d/{where}",
        )
    if not connecting or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return None
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return NoTlsError(
        f"cannot speak TLS with {where}: {reason}",
        hint=f"if it speaks plain http, pass --insecure {where}; if it wants a client "
        "certificate, --client-cert",
    )


def _certificate_hint(where: str, code: int) -> str:
    if code == _EXPIRED:
        return f"have the certificate of {where} renewed, and check this machine's clock"
    if code == _NOT_YET:
        return "check this machine's clock: the certificate is of the future"
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return "name the server as its certificate does, or have one made for this name"
    return (
        f"pass the authority that signed it with --ca-file FILE, or put it into "
        f"~/.docker/certs.d/{where} as ca.crt; --insecure {where} takes any certificate"
    )


def _unknown_host(where: str, proxy: Proxy | None) -> TransportError:
    if proxy is not None:
        return TransportError(
            f"cannot reach {where}: cannot find the host of the proxy {proxy}", hint=_PROXY
        )
    return TransportError(
        f"cannot find the host {where}",
        hint="check the name for typing errors, and this machine's DNS; where only a proxy leads "
        "out, set https_proxy",
    )


def _no_connection(
    where: str, error: Exception, causes: list[BaseException], proxy: Proxy | None
) -> TransportError:
    if isinstance(error, httpcore.ConnectTimeout):
        reason = f"no answer within {CONNECT_TIMEOUT:.0f} seconds"
        hint = "check that this network reaches it; a proxy is set by https_proxy"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        reason, hint = "connection refused", "check that the server runs and listens there"
    elif any(isinstance(cause, (ssl.SSLError, ConnectionResetError)) for cause in causes):
        reason = "it broke off before TLS was agreed on"
        hint = f"try again; if it speaks plain http, pass --insecure {where}"
    else:
        reason, hint = str(error), "check the network, DNS and proxy of this machine"
    if proxy is not None:
        return TransportError(f"cannot reach {where} by the proxy {proxy}: {reason}", hint=_PROXY)
    return TransportError(f"cannot connect to {where}: {reason}", hint=hint)
