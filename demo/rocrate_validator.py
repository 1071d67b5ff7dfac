"""The RO-Crate validator without a network: its cache holds the context that ro-crate-py ships."""

from __future__ import annotations

import functools
import io
import logging
import tempfile
import warnings
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

PROCESS_RUN = "process-run-crate-0.5"


class _ShippedContext(BaseAdapter):
    """Answers every request for a context with the one of the package.

    It is that of RO-Crate 1.3, which has all terms of 1.1 and 1.2 that a crate of ours uses.
    """

    def send(
        self, request: requests.PreparedRequest, *_args: object, **_options: object
    ) -> requests.Response:
        body = resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        answer = HTTPResponse(
            body=io.BytesIO(body),
            status=200,
            preload_content=False,
            request_method="GET",
            headers={"Content-Type": "application/ld+json", "Content-Length": str(len(body))},
        )
        return HTTPAdapter().build_response(request, answer)

    def close(self) -> None:
        pass


@functools.cache
def _fill_cache() -> Path:
    cache = Path(tempfile.mkdtemp(prefix="rocrate-contexts-")) / "contexts"
    session = CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1)
    session.mount("https://w3id.org/", _ShippedContext())
    with session:
        for version in ("1.1", "1.2"):
            session.get(f"https://w3id.org/ro/crate/{version}/context").raise_for_status()
    return cache


def find_issues(path: Path, severity: str = "RECOMMENDED", profile: str | None = None) -> list[str]:
    """Return what the validator finds at a severity or above.

    Parameters
    ----------
    path
        A folder, or a zip with the crate at its top.
    severity
        ``REQUIRED``, ``RECOMMENDED`` or ``OPTIONAL``.
    profile
        Like ``process-run-crate-0.5``; by default the validator selects it from the crate.
    """
    from rocrate_validator.models import Severity

    settings: Mapping[str, Any] = {
        "rocrate_uri": str(path),
        "requirement_severity": Severity[severity],
        "offline": True,
        "cache_path": _fill_cache(),
    }
    with warnings.catch_warnings():
        # its libraries are older than the Python they run on
        warnings.simplefilter("ignore")
        return _validate(settings, profile)


def _validate(settings: Mapping[str, Any], profile: str | None) -> list[str]:
    from rocrate_validator import services
    from rocrate_validator.utils import log

    log.basicConfig(level=logging.ERROR)
    detected = [] if profile else services.detect_profiles(dict(settings))
    selected = [profile] if profile else [found.identifier for found in detected]
    issues = [] if selected else ["no profile was recognised"]
    for identifier in selected:
        result = services.validate({**settings, "profile_identifier": identifier})
        issues += [f"{identifier}: {issue.message}" for issue in result.get_issues()]
    return issues
