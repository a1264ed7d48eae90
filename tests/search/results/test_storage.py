from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from memgan.errors import StudyError
from search.results.storage import Storage


@pytest.fixture(params=["folder", "address"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Storage.at(tmp_path / "new")
    return Storage.at(f"{request.getfixturevalue('bucket')}/new")


def test_what_is_written_is_read_listed_and_removed(storage: Storage, tmp_path: Path) -> None:
    assert storage.names() == storage.files() == []
    storage.write("a/b", b"one")
    pickle.loads(pickle.dumps(storage)).write("c", b"two")  # noqa: S301
    assert storage.names() == ["a", "c"]
    assert storage.files() == ["a/b", "c"]
    assert (storage / "a").read("b") == b"one"
    assert storage.written_at("c") is not None
    assert storage.written_at("d") is None
    with pytest.raises(FileNotFoundError):
        storage.read("d")

    storage.download(tmp_path / "copy")
    assert (tmp_path / "copy" / "a" / "b").read_bytes() == b"one"
    storage.remove("a")  # A folder, and not empty.
    (storage / "a").remove_if_empty()
    assert storage.files() == ["a/b", "c"]
    (storage / "a").remove_made(["b"])
    storage.remove("c")
    storage.remove("never there")
    assert storage.files() == []


def test_where_nothing_can_be_written_is_told(bucket: str, tmp_path: Path) -> None:
    Storage.at(bucket).must_be_writable()
    assert Storage.at(bucket).files() == []
    (tmp_path / "file").write_text("")
    for nowhere in (tmp_path / "file" / "x", f"{bucket}-that-is-not/x"):
        with pytest.raises(OSError, match=r"file|bucket|Bucket"):
            Storage.at(nowhere).must_be_writable()


@pytest.mark.parametrize("where", ["foo://bucket/x", "s3://"])
def test_other_addresses_are_refused_with_those_there_are(where: str) -> None:
    with pytest.raises(StudyError, match="s3://BUCKET"):
        Storage.at(where)
