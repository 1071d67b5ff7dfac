"""Services of features the sandbox is without say so."""

from __future__ import annotations

from typing import Any

import omero
import pytest


def test_there_is_no_ldap(root: Any) -> None:
    assert root.sf.getLdapService().getSetting() is False


def test_there_are_no_scripts(root: Any) -> None:
    scripts = root.sf.getScriptService()
    assert scripts.getScripts() == scripts.getUserScripts([]) == []
    assert scripts.getScriptID("/omero/Make_Movie.py") == -1
    assert scripts.canRunScript(1) is False


def test_there_are_no_shares(root: Any) -> None:
    shares = root.sf.getShareService()
    assert shares.getOwnShares(True) == shares.getMemberShares(True) == []


@pytest.mark.parametrize(
    "call", [lambda sf: sf.getLdapService().discover(), lambda sf: sf.createSearchService()]
)
def test_the_rest_is_refused_clearly(root: Any, call: Any) -> None:
    with pytest.raises(omero.InternalException, match="is not implemented by the sandbox"):
        call(root.sf)
