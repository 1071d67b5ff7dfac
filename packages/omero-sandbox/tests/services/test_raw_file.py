"""RawFileStore behaves as RawFileBean and RepoRawFileStoreI."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import omero
import pytest
from omero.rtypes import rlong, rstring

FAKE = "a&sizeX=4&sizeY=4.fake"
PLATE = "p&sizeX=4&sizeY=4&plates=1&plateRows=1&plateCols=1&fields=1&plateAcqs=1.fake"
SHA1 = "SHA1-160"


def new_file(client: Any, hasher: str | None = SHA1) -> int:
    made = omero.model.OriginalFileI()
    made.setName(rstring("notes.csv"))
    made.setPath(rstring("/home/me/"))
    if hasher:
        algorithm = omero.model.ChecksumAlgorithmI()
        algorithm.setValue(rstring(hasher))
        made.setHasher(algorithm)
    return int(client.getSession().getUpdateService().saveAndReturnObject(made).id.val)


def opened(client: Any, number: int, ctx: dict[str, str] | None = None) -> Any:
    store = client.getSession().createRawFileStore()
    store.setFileId(number, *([ctx] if ctx else []))
    return store


def row(client: Any, number: int) -> Any:
    return client.getSession().getQueryService().get("OriginalFile", number)


def file_of(importer: Any, response: Any) -> int:
    fileset = response.pixels[0].image.fileset.id.val
    query = f"select f.id from Fileset s join s.usedFiles u join u.originalFile f where s.id = {fileset}"
    return int(importer.client.getSession().getQueryService().projection(query, None)[0][0].val)


def test_reads_beyond_the_end_are_filled_with_zeros(root: Any) -> None:
    store = opened(root, new_file(root))
    store.write(b"abc", 0, 3)
    assert store.read(1, 5) == b"bc\0\0\0"
    assert store.size() == 3
    store.close()


def test_only_the_given_number_of_bytes_is_written_and_gaps_are_zeros(root: Any) -> None:
    store = opened(root, new_file(root))
    store.write(b"abcdef", 4, 2)
    assert store.size() == 6
    assert store.read(0, 6) == b"\0\0\0\0ab"
    store.close()


def test_truncate_only_shortens(root: Any) -> None:
    store = opened(root, new_file(root))
    store.write(b"abcdef", 0, 6)
    assert (store.truncate(10), store.truncate(2), store.size()) == (False, True, 2)
    store.close()


@pytest.mark.parametrize(
    ("hasher", "digest"),
    [(SHA1, hashlib.sha1(b"data").hexdigest()), ("CRC-32", zlib.crc32(b"data").to_bytes(4, "little").hex())],
)
def test_close_stores_size_and_digest_by_the_files_algorithm(root: Any, hasher: Any, digest: Any) -> None:
    number = new_file(root, hasher)
    store = opened(root, number)
    store.write(b"data", 0, 4)
    assert row(root, number).hash is None
    store.close()
    assert (row(root, number).hash.val, row(root, number).size.val) == (digest, 4)


def test_a_file_without_algorithm_gets_no_digest(root: Any) -> None:
    number = new_file(root, None)
    store = opened(root, number)
    store.write(b"data", 0, 4)
    store.close()
    assert row(root, number).hash is None
    assert row(root, number).size.val == 4


def test_save_returns_the_file_once_and_then_nothing(root: Any) -> None:
    store = opened(root, new_file(root))
    store.write(b"data", 0, 4)
    assert store.save().size.val == 4
    assert store.save() is None
    store.close()


def test_an_unknown_file_is_a_validation_error(root: Any) -> None:
    with pytest.raises(omero.ValidationException):
        opened(root, 999_999)


def test_a_file_of_another_group_is_invisible_but_under_all_groups_readable_and_not_writable(
    people: Any, connect: Any
) -> None:
    one, two = people.group("one"), people.group("two")
    people.user("bob", one, two)
    bob = people.login("bob")
    number = new_file(bob)
    store = opened(bob, number)
    store.write(b"x", 0, 1)
    store.close()
    with pytest.raises(omero.SecurityViolation):
        opened(bob, number, bob.getContext(group=two))
    store = opened(bob, number, bob.getContext(group=-1))
    assert store.read(0, 1, bob.getContext(group=-1)) == b"x"
    with pytest.raises(omero.SecurityViolation, match="not writeable"):
        store.write(b"y", 0, 1)
    store.close()


def test_files_of_the_repository_are_read_only(importer: Any, root: Any) -> None:
    store = opened(root, file_of(importer, importer.fake(FAKE)))
    with pytest.raises(omero.SecurityViolation, match="not writeable"):
        store.write(b"y", 0, 1)
    with pytest.raises(omero.SecurityViolation, match="not writeable"):
        store.truncate(0)
    store.close()


def test_reads_from_the_repository_are_limited_to_64_000_000_bytes(importer: Any, root: Any) -> None:
    store = opened(root, file_of(importer, importer.fake(FAKE)))
    with pytest.raises(omero.ApiUsageException, match="Too big: 64000001"):
        store.read(0, 64_000_001)
    assert store.read(0, 10) == bytes(10)
    store.close()


def test_an_own_context_without_client_uuid_breaks_files_of_the_repository_only(
    importer: Any, root: Any
) -> None:
    number = file_of(importer, importer.fake(FAKE))
    with pytest.raises(omero.InternalException, match="ServantHolder"):
        opened(root, number, {"omero.group": "-1"})
    opened(root, new_file(root), {"omero.group": "0"}).close()


def test_a_store_opened_by_the_repository_cannot_change_its_file(importer: Any, root: Any) -> None:
    number = file_of(importer, importer.fake(FAKE))
    store = importer.repository.fileById(number)
    with pytest.raises(omero.ApiUsageException, match="Cannot reset id"):
        store.setFileId(number)
    store.close()


def test_one_store_may_go_on_to_another_file(importer: Any, root: Any) -> None:
    first, second = (new_file(root) for _ in range(2))
    store = opened(root, first)
    store.write(b"1", 0, 1)
    store.save()
    store.setFileId(second)
    store.write(b"22", 0, 2)
    store.close()
    assert (row(root, first).size.val, row(root, second).size.val) == (1, 2)


def test_a_file_missing_on_disk_is_a_resource_error(importer: Any, root: Any, sandbox: Any) -> None:
    number = file_of(importer, importer.fake(FAKE))
    found = row(root, number)
    (sandbox.data_dir / "ManagedRepository" / found.path.val / found.name.val).unlink()
    with pytest.raises(omero.ResourceError):
        opened(root, number)


def test_files_of_plates_may_not_be_downloaded_even_by_administrators(importer: Any, root: Any) -> None:
    store = opened(root, file_of(importer, importer.fake(PLATE)))
    with pytest.raises(omero.SecurityViolation, match="restricted"):
        store.read(0, 1)
    store.close()


def test_a_server_may_allow_files_of_plates(sandbox_factory: Any, connect: Any, importer_for: Any) -> None:
    server = sandbox_factory(config={"omero.policy.binary_access": "+read,+write,+image,+plate"})
    client = connect(server=server)
    importer = importer_for(client)
    store = opened(client, file_of(importer, importer.fake(PLATE)))
    assert store.read(0, 3) == bytes(3)
    store.close()


def test_text_files_of_plates_are_exempt(importer: Any, root: Any) -> None:
    response = importer({PLATE: b"", "readme.txt": b"read me"})
    fileset = response.pixels[0].image.fileset.id.val
    query = (
        "select f.id from FilesetEntry u join u.originalFile f where u.fileset.id = :id and f.name like 'r%'"
    )
    params = omero.sys.ParametersI().addId(rlong(fileset))
    number = root.getSession().getQueryService().projection(query, params)[0][0].val
    store = opened(root, number)
    assert store.read(0, 7) == b"read me"
    store.close()


def test_a_group_may_withdraw_reading_from_those_who_may_not_edit(people: Any) -> None:
    lab = people.group("lab", "rwr---")
    people.user("ann", lab)
    people.user("bob", lab)
    group = people.admin.getGroup(lab)
    group.setConfig([omero.model.NamedValue("omero.policy.binary_access", "-read")])
    people.admin.updateGroup(group)
    ann, bob = people.login("ann"), people.login("bob")
    number = new_file(ann)
    store = opened(ann, number)
    store.write(b"x", 0, 1)
    store.close()
    assert opened(ann, number).read(0, 1) == b"x"
    with pytest.raises(omero.SecurityViolation, match="restricted"):
        opened(bob, number).read(0, 1)
