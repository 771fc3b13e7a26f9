"""Where AWS's services are: by region, or as its variables name them instead."""

from __future__ import annotations

import re

from pyjib.options import HostEnvironment
from pyjib.registry.login.cloud.model import parse_endpoint
from pyjib.registry.net.urls import Url

REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}", re.ASCII)


def endpoint_of(service: str, default: str, host: HostEnvironment) -> Url:
    """Return the address of a service of AWS, or what its variable names instead."""
    ignored = (host.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") or "").lower() == "true"
    for name in () if ignored else (f"AWS_ENDPOINT_URL_{service}", "AWS_ENDPOINT_URL"):
        text = host.get(name)
        if text is not None:
            return parse_endpoint(text, name)
    return Url.parse(default)


def domain_of(region: str) -> str:
    """Return the domain that the services of a region are in."""
    if region.startswith("cn-"):
        return "amazonaws.com.cn"
    return "amazonaws.eu" if region.startswith("eusc-") else "amazonaws.com"
