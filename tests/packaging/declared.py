"""What a distribution declares, and what Python files import."""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SERVER_PROJECT = ROOT / "pyproject.toml"
CHECKERS_OWN = "_typeshed"
"""A module that type checkers bring; it is imported for them alone."""

CLIENT_PROJECT = ROOT / "worker" / "clients" / "pyproject.toml"


def declared(project: Path, *extras: str) -> set[str]:
    """The distributions that a pyproject.toml asks for, with those of its extras."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    lines = [*table["dependencies"], *(line for extra in extras for line in table["optional-dependencies"][extra])]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def every_part(project: Path) -> list[str]:
    """The extras that `[all]` stands for."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    return sorted(extra for line in table["optional-dependencies"]["all"] for extra in Requirement(line).extras)


def required_by(names: Iterable[str]) -> set[str]:
    """These distributions and all that come with them, by what the installed ones declare for this machine."""
    found: set[str] = set()
    waiting = [(name, frozenset[str]()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        new = canonicalize_name(name) not in found
        found.add(canonicalize_name(name))
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            wanted = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            )
            if wanted and (new or extras):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


def imported(path: Path, *, unconditional: bool = False) -> set[str]:
    """The top-level packages, other than the standard library's, that a file imports.

    unconditional: only what it cannot be loaded without: outside functions, `try`, and `if TYPE_CHECKING`.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _at_load(tree.body) if unconditional else ast.walk(tree)
    return {name for node in nodes for name in _names(node)} - sys.stdlib_module_names - {CHECKERS_OWN}


def distributions_of(package: str) -> set[str]:
    """Who provides a top-level package here; one that is not installed goes by its own name."""
    return {canonicalize_name(name) for name in _providers().get(package, (package,))}


@cache
def _providers() -> Mapping[str, list[str]]:
    return packages_distributions()


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


def _at_load(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        match node:
            case ast.ClassDef(body=inner):
                yield from _at_load(inner)
            case ast.Import() | ast.ImportFrom():
                yield node
