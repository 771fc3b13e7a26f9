"""Amazon's services by a scripted server, and the files of its profiles."""

from __future__ import annotations

import base64
import json

from tests.support.clouds import NOON, Machine, dated, is_signed
from tests.support.scripted import Reply, ScriptedServer, Seen

ACCOUNT = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
TOKEN = base64.b64encode(b"AWS:the-token").decode()
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROLE = "arn:aws:iam::1:role/r"


def ecr(aws: ScriptedServer, secret: str = SECRET, **checks: str) -> None:
    """Imitate ``GetAuthorizationToken``, which looks at its signature."""
    where = {"region": "eu-west-1", "service": "ecr", **checks}

    def answer(seen: Seen) -> Reply:
        if not is_signed(seen, secret, **where):
            return dated(Reply(400, {}, b'{"__type":"InvalidSignatureException"}'))
        data = {"authorizationToken": TOKEN, "expiresAt": NOON + 43200}
        return dated(Reply(200, {}, json.dumps({"authorizationData": [data]}).encode()))

    aws.rule("GET", "/", dated(Reply(404)))
    aws.rule("POST", "/", answer)


def sts(aws: ScriptedServer) -> None:
    """Imitate the Security Token Service, once."""
    body = (
        f"<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>{SECRET}"
        "</SecretAccessKey><SessionToken>se/ss==</SessionToken></Credentials></R>"
    )
    aws.rule("POST", "/", dated(Reply(200, {}, body.encode())), times=1)


def profiles(machine: Machine, config: str, credentials: str = "") -> None:
    """Write the two files of ``~/.aws``."""
    folder = machine.home / ".aws"
    folder.mkdir()
    (folder / "config").write_text(config)
    (folder / "credentials").write_text(credentials)
