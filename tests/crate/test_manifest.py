import pytest

from omero_rocrate_transfer.crate.manifest import parse_manifest, render_line
from omero_rocrate_transfer.model.errors import UnsafeCrateError

DIGEST = "0123456789abcdef" * 4


def test_lines_come_back_in_order() -> None:
    listed = {"b.tif": DIGEST, "a/größe 1.tif": DIGEST[::-1]}

    assert parse_manifest(render_line(*item) for item in listed.items()) == listed


@pytest.mark.parametrize(
    "lines",
    {
        "upper-case digest": [f"{DIGEST.upper()}  a\n".encode()],
        "short digest": [f"{DIGEST[1:]}  a\n".encode()],
        "one space": [f"{DIGEST} a\n".encode()],
        "binary mark": [f"{DIGEST} *a\n".encode()],
        "no line feed": [f"{DIGEST}  a".encode()],
        "carriage return": [f"{DIGEST}  a\r\n".encode()],
        "empty line": [b"\n"],
        "no name": [f"{DIGEST}  \n".encode()],
        "not utf-8": [DIGEST.encode() + b"  \xff\n"],
        "listed twice": [render_line("a", DIGEST)] * 2,
        "same name elsewhere": [render_line("a", DIGEST), render_line("A", DIGEST)],
        "climbing": [render_line("../a", DIGEST)],
        "absolute": [render_line("/a", DIGEST)],
        "lists itself": [render_line("manifest-sha256.txt", DIGEST)],
    }.items(),
    ids=lambda item: item[0],
)
def test_malformed_manifest_is_refused(lines: tuple[str, list[bytes]]) -> None:
    with pytest.raises(UnsafeCrateError):
        parse_manifest(lines[1])
