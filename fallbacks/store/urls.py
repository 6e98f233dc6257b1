"""Splitting a URL without ever showing what may be a part of its password."""

from urllib.parse import SplitResult, urlsplit

RAW = "percent-encode what is not a letter or a digit in the password (@ is %40, : %3A, / %2F, # %23, ? %3F, % %25)"


def split_url(url: str, *, secret: bool = True) -> SplitResult:
    """As `urlsplit`. Raises `ValueError` where the parts cannot be what was meant, without showing them.

    secret: whether a password is usual in it, and nothing else has an @ behind the host.
    """
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2]
        for host in hosts.split(","):
            _ = urlsplit(f"//{host}").port
    except ValueError:
        raise ValueError(f"cannot be read as a URL: a port is not a number, or {RAW}") from None
    if secret and ("@" in parts.path + parts.query or parts.fragment):
        raise ValueError(f"cannot be read as a URL: {RAW}")
    if not url.isprintable() or " " in url:
        raise ValueError("has blanks or characters that no URL has")
    return parts


def is_cluster(url: str) -> bool:
    """Whether a store's URL names a cluster."""
    return url.partition("://")[0].lower().endswith("+cluster")


def checked_http(url: str) -> str:
    """The URL, where it can be called. Raises `ValueError`."""
    parts = split_url(url, secret=False)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as https://HOST/PATH")
    return url
