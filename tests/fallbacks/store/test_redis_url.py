"""A URL that can never connect is refused with one line, and no piece of its password is in it."""

from pathlib import Path

import pytest

from fallbacks.store.redis_url import read_redis_url

GOOD = {
    "redis://h:6380/3": {"host": "h", "port": 6380, "db": 3},
    "redis://h": {"host": "h"},
    "valkey://:p%40ss%2Fw@h/0": {"host": "h", "password": "p@ss/w", "db": 0},
    "rediss://u:p@h/0?ssl_cert_reqs=none": {"username": "u", "password": "p", "ssl_cert_reqs": "none"},
    "unix:///run/redis.sock?db=2": {"path": "/run/redis.sock", "db": 2},
    "redis://[::1]:6379/0": {"host": "::1", "port": 6379},
}
BAD = (
    "redis://:s3/cret@h:6379/0",
    "redis://:s3cret/x@h/0",
    "redis://:s3#cret@h/0",
    "redis://:s3?cret@h/0",
    "redis://:s3[cret@h/0",
    "redis://u:s3cret@h:port/0",
    "redis://u:s3cret@h/notadb",
    "redis://u:s3cret@h/0/1",
    "redis://u:s3cret@h/0?ssl_cert_reqs=required",
    "redis://u:s3cret@h/0?socket_timeout=soon",
    "rediss://u:s3cret@h/0?ssl_cert_reqs=CERT_REQUIRED",
    "rediss://u:s3cret@h/0?ssl_ca_certs=/nowhere/ca.pem",
    "redis://u:s3cret@h:6379/0 ",
    "sentinel://:s3cret@h:26379",
    "redis+sentinel://:s3cret@h:26379",
    "redis+sentinel://:s3cret@h:26379,/mymaster/0",
    "redis+sentinel://:s3cret@h:26379/mymaster/x",
    "redis+socket:///s3cret",
    "http://s3cret",
    "s3cret",
)


@pytest.mark.parametrize(("url", "expected"), GOOD.items())
def test_a_url_says_how_to_connect(url: str, expected: dict[str, object]) -> None:
    options = read_redis_url(url).options
    assert {name: options[name] for name in expected} == expected
    assert "p@ss" not in repr(read_redis_url(url))


@pytest.mark.parametrize("url", BAD)
def test_what_can_never_connect_is_one_line_that_hides_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        read_redis_url(url)
    said = str(refused.value)
    assert "\n" not in said
    assert not any(piece in said for piece in ("s3", "cret"))
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_sentinels_are_named_with_the_primary_they_know() -> None:
    read = read_redis_url("redis+sentinel://u:p@a:1,b,[::1]:3/mymaster/2?sentinel_password=q")
    assert read.sentinels == (("a", 1), ("b", 26379), ("::1", 3))
    assert (read.service, read.options["db"], read.options["password"]) == ("mymaster", 2, "p")
    assert read.sentinel_options == {"password": "q"}
    assert "host" not in read.options
    assert read.named_for_celery == "redis://a:1/2"


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("junk")
    with pytest.raises(ValueError, match=r"certificates cannot be read \(.*ca.pem\)"):
        read_redis_url(f"rediss://h/0?ssl_ca_certs={tmp_path}/ca.pem")
