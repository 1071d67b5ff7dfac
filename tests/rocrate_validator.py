"""Assertions on crates; the validator runs without a network."""

from __future__ import annotations

from pathlib import Path

from demo.rocrate_validator import PROCESS_RUN, find_issues

__all__ = ["PROCESS_RUN", "assert_valid", "find_issues"]


def assert_valid(path: Path, severity: str = "RECOMMENDED", profile: str | None = None) -> None:
    """Assert that the validator finds nothing."""
    if path.is_dir():
        # it would take a nested crate for the crate itself
        assert (path / "ro-crate-metadata.json").is_file()
    assert find_issues(path, severity, profile) == []
