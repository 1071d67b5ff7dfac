import pytest

from omero_rocrate_transfer.crate.media_types import guess_media_type


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [
        ("a.OME.TIF", None, "image/tiff"),
        ("a.svs", None, "image/tiff"),
        ("a.dv", None, "application/octet-stream"),
        ("a.stk", "application/hyperstudio", "image/tiff"),
        ("a.czi", "image/x-czi", "image/x-czi"),
        ("a.czi", "OMERO.tables", "application/octet-stream"),
        ("a.czi", "", "application/octet-stream"),
        ("tif", None, "application/octet-stream"),
        ("a.companion.ome", None, "application/xml"),
    ],
)
def test_media_type_comes_from_our_own_table(name: str, stored: str | None, expected: str) -> None:
    assert guess_media_type(name, stored) == expected
