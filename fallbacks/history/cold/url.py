"""Where cold documents lie, by its URL."""

from dataclasses import dataclass
from pathlib import Path

from fallbacks.store.urls import split_url

S3 = "s3://"


@dataclass(frozen=True, slots=True)
class Bucket:
    """prefix: before every name, "" or with a `/` at its end."""

    name: str
    prefix: str


def read_cold_url(url: str) -> Path | Bucket:
    """A folder by its whole path, or `s3://BUCKET/PREFIX`. Raises `ValueError`."""
    if url.startswith("/"):
        return Path(url)
    parts = split_url(url)
    if not url.startswith(S3) or not parts.hostname or parts.netloc != parts.hostname or parts.query:
        raise ValueError("must be the whole path of a folder, or s3://BUCKET/PREFIX")
    prefix = parts.path.strip("/")
    return Bucket(parts.netloc, f"{prefix}/" if prefix else "")
