"""Debian's real PostgreSQL with data of its own, on loopback. Everybody on this machine may connect to it."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg

from tests.services.process import ServerProcess, ServiceMissing


class PostgresServer(ServerProcess):
    """durable: whether it syncs what it commits; only where a test ends it the hard way does that matter.

    Its folder must be open to others: as root, which it refuses to run as, it runs as `nobody`.
    """

    def __init__(self, folder: Path, port: int | None = None, *, durable: bool = False) -> None:
        super().__init__(folder, port)
        self._durable = durable
        self._data = folder / "data"

    @property
    def url(self) -> str:
        return self.database("postgres")

    def database(self, name: str) -> str:
        return f"postgresql://deskhand@127.0.0.1:{self.port}/{name}"

    def command(self) -> list[str]:
        programs = newest_programs()
        if not self._data.exists():
            self._data.mkdir()
            if os.getuid() == 0:
                nobody = pwd.getpwnam("nobody")
                os.chown(self._data, nobody.pw_uid, nobody.pw_gid)
            options = [
                "--username",
                "deskhand",
                "--auth",
                "trust",
                "--locale",
                "C.UTF-8",
                "--encoding",
                "UTF8",
                "--no-sync",
            ]
            made = [*_as_somebody(), str(programs / "initdb"), "-D", str(self._data), *options]
            subprocess.run(made, check=True, capture_output=True, cwd="/")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off",
            "max_connections": "60",
            "shared_buffers": "32MB",
            "autovacuum_naptime": "1h",
        }
        given = [f"--{name}={value}" for name, value in settings.items()]
        return [*_as_somebody(), str(programs / "postgres"), "-D", str(self._data), *given]

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # SIGTERM would wait for every client to leave
        super().stop()

    def is_ready(self) -> bool:
        return answers(self.url)

    def fresh(self) -> str:
        """The URL of a new database."""
        return fresh_database(self.url)


def fresh_database(url: str) -> str:
    """Beside the one that the URL names; returns its URL."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return f"{url.rpartition('/')[0]}/{name}"


def answers(url: str) -> bool:
    """Whether it takes connections."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def open_folder() -> TemporaryDirectory[str]:
    """One that the server may enter: pytest's are closed to other users."""
    folder = TemporaryDirectory()
    Path(folder.name).chmod(0o755)
    return folder


def newest_programs() -> Path:
    """Debian keeps the server's programs of each version in a folder that is not on PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if elsewhere := shutil.which("postgres"):
        return Path(elsewhere).resolve().parent
    raise ServiceMissing("postgres is not installed. Run tests/install-services, or: apt-get install postgresql")


def _as_somebody() -> list[str]:
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []
