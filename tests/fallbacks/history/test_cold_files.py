"""Where cold documents lie: a folder, and a bucket over HTTP."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.cold.documents import Cold, ColdFiles
from fallbacks.history.cold.folder import ColdFolder
from fallbacks.history.cold.s3_files import S3ColdFiles
from fallbacks.history.cold.url import Bucket, read_cold_url
from tests.fallbacks.history.ended import ended
from tests.services.s3 import S3Server


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server() as server:
        given = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-central-1"}
        for name, value in {**given, "AWS_ENDPOINT_URL_S3": server.url, "AWS_EC2_METADATA_DISABLED": "true"}.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> ColdFiles:
    if request.param == "folder":
        return ColdFolder(tmp_path / "cold")
    request.getfixturevalue("s3")
    return S3ColdFiles("bucket", "some/where/")


def test_a_file_is_written_read_replaced_and_deleted(files: ColdFiles) -> None:
    files.write("2026-03/a.jsonl.gz", b"one")
    files.write("2026-03/a.jsonl.gz", b"two")
    assert files.read("2026-03/a.jsonl.gz") == b"two"
    files.delete("2026-03/a.jsonl.gz")
    files.delete("2026-03/a.jsonl.gz")
    with pytest.raises(FileNotFoundError):
        files.read("2026-03/a.jsonl.gz")


def test_tickets_come_back_as_they_were(files: ColdFiles) -> None:
    async def story() -> None:
        cold = Cold(files)
        await cold.write("m/a", [ended("t1", body="grüße \ud83d"), ended("t2")])
        assert await cold.tickets({"t1": "m/a", "t2": "m/a", "t3": "m/none"}) == {
            "t1": ended("t1", body="grüße \ud83d"),
            "t2": ended("t2"),
        }
        await cold.replace({"t1": "m/a"}, {})
        assert list(await cold.tickets({"t1": "m/a", "t2": "m/a"})) == ["t2"]

    asyncio.run(story())


def test_a_bucket_that_refuses_is_unreachable(s3: S3Server) -> None:
    cold = Cold(S3ColdFiles("bucket"))
    asyncio.run(cold.write("m/a", [ended()]))
    assert list(s3.objects) == ["/bucket/m/a"]
    s3.refuse = True
    with pytest.raises(HistoryUnreachable, match="AccessDenied"):
        asyncio.run(cold.tickets({"t1": "m/a"}))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/var/lib/cold", Path("/var/lib/cold")),
        ("s3://bucket", Bucket("bucket", "")),
        ("s3://bucket/a/b/", Bucket("bucket", "a/b/")),
    ],
    ids=["folder", "bucket", "prefix"],
)
def test_a_url_names_a_folder_or_a_bucket(url: str, place: object) -> None:
    assert read_cold_url(url) == place


@pytest.mark.parametrize("url", ["cold", "./cold", "s3://", "http://bucket/x", "s3://k:secret@bucket", "s3://b?x=1"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be the whole path|cannot be read"):
        read_cold_url(url)
