"""What a fresh machine lacks is named, together with the command that installs it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_missing_compiler_is_named(tmp_path: Path) -> None:
    build = [sys.executable, str(ROOT / "tools/build_zeroc_ice.py"), "--out", str(tmp_path)]

    result = run(*build, CXX="no-such-compiler")

    assert result.returncode == 3
    assert "no-such-compiler" in result.stderr
    assert "apt-get install g++ libssl-dev libbz2-dev" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_headers_are_named(tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\necho MISSING openssl/ssl.h\n", encoding="utf-8")
    compiler.chmod(0o755)
    build = [sys.executable, str(ROOT / "tools/build_zeroc_ice.py"), "--out", str(tmp_path / "out")]

    result = run(*build, CXX=str(compiler))

    assert result.returncode == 3
    assert "openssl/ssl.h" in result.stderr
    assert "apt-get install libssl-dev" in result.stderr


def test_missing_python_is_named(tmp_path: Path) -> None:
    result = run(str(ROOT / "tools/set-up"), str(tmp_path / "venv"), "dev", PYTHON="no-such-python")

    assert result.returncode == 1
    assert "no-such-python" in result.stderr
    assert "apt-get install python3-venv" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_old_python_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)

    result = run(str(ROOT / "tools/set-up"), str(tmp_path / "venv"), "dev", PYTHON=str(old))

    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr
    assert "Python 3.9.1" in result.stderr
