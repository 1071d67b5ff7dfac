"""Coverage-guided fuzzing of every parser: ``python -m tests.fuzz [RUNS [NAME]]``; see docs/development.rst.

libFuzzer ends the process it runs in, so each parser gets one of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 20_000
#: Seconds after which an input counts as a hang.
HANG_S = 10


def fuzz_one(name: str, runs: int) -> None:
    """Fuzz one parser in this process, and do not return."""
    import atheris

    with atheris.instrument_imports(include=["omero_rocrate_transfer"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    seed = target.seed()
    assert target.try_once(seed)
    with tempfile.TemporaryDirectory() as corpus:
        (Path(corpus) / "seed").write_bytes(seed)
        limits = [f"-atheris_runs={runs}", f"-timeout={HANG_S}", "-rss_limit_mb=2048", "-verbosity=0"]
        longest = f"-max_len={max(4096, 2 * len(seed))}"
        atheris.Setup([sys.argv[0], *limits, longest, corpus], target.try_once_quietly)
        atheris.Fuzz()


def main(runs: int) -> int:
    """Fuzz every parser, and say how many inputs each took."""
    from tests.fuzz.targets import TARGETS

    failed = 0
    for name in TARGETS:
        command = [sys.executable, "-m", "tests.fuzz", str(runs), name]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        failed += result.returncode != 0
        outcome = "only our own errors" if result.returncode == 0 else f"FAILED\n{result.stderr[-3000:]}"
        sys.stdout.write(f"{name:<20} {runs} of {runs} inputs: {outcome}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(TARGETS) - failed} of {len(TARGETS)} parsers raise only our own errors\n")
    return 1 if failed else 0


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    if len(sys.argv) > 2:
        fuzz_one(sys.argv[2], wanted)
    else:
        sys.exit(main(wanted))
