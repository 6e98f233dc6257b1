"""Figures of the house: how big its folders are, how its files import each other, how often one ticket changes rooms.

`python -m tests.house` prints them; a test asserts what must hold. Imports for type checking alone do not count.
"""

import ast
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

PACKAGES = ("tasks", "fallbacks", "worker")
ROOT = Path(__file__).parents[1]

Imports = Mapping[str, frozenset[str]]
"""Of each module, the modules it imports, wherever in it."""


@dataclass(frozen=True)
class House:
    """The modules of the three packages, by name."""

    modules: Mapping[str, Path]

    @classmethod
    def at(cls, root: Path = ROOT) -> "House":
        """As it stands in a checkout."""
        files = [file for package in PACKAGES for file in (root / package).rglob("*.py")]
        return cls({_name(file.relative_to(root)): file for file in files})

    @cached_property
    def imports(self) -> Imports:
        """Importing a name of a module is importing the module."""
        trees = {name: ast.parse(file.read_text()) for name, file in self.modules.items()}
        return {name: frozenset(self._imported(name, tree)) for name, tree in trees.items()}

    @cached_property
    def cycles(self) -> list[frozenset[str]]:
        """Modules that import each other, however long the way round."""
        behind = {name: self.behind(name) for name in self.modules}
        groups = {frozenset(other for other in behind[name] if name in behind[other]) for name in self.modules}
        return [group for group in groups if len(group) > 1]

    @cached_property
    def longest_chain(self) -> tuple[str, ...]:
        """Modules each of which imports the next. Cycles must be gone before this is asked."""
        found: dict[str, tuple[str, ...]] = {}

        def chain(name: str) -> tuple[str, ...]:
            if name not in found:
                found[name] = (name, *max((chain(each) for each in sorted(self.imports[name])), key=len, default=()))
            return found[name]

        return max((chain(name) for name in sorted(self.modules)), key=len)

    @property
    def biggest_folder(self) -> tuple[str, int]:
        """Without its __init__.py."""
        files = [file.relative_to(ROOT) for file in self.modules.values() if file.stem != "__init__"]
        return Counter(str(file.parent) for file in files).most_common(1)[0]

    @property
    def run_loops(self) -> list[str]:
        """Modules that drive a run."""
        return [name for name, file in self.modules.items() if ".advance()" in file.read_text()]

    def behind(self, start: str) -> frozenset[str]:
        """What importing a module brings with it, itself included."""
        seen, todo = {start}, [start]
        while todo:
            new = self.imports[todo.pop()] - seen
            seen |= new
            todo += new
        return frozenset(seen)

    def _imported(self, name: str, tree: ast.AST) -> Iterator[str]:
        for node in _outside_type_checking(tree):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for alias in node.names:
                found = self._module(".".join([*named, alias.name]))
                if found and found != name:
                    yield found

    def _module(self, dotted: str) -> str:
        while dotted and dotted not in self.modules:
            dotted = dotted.rpartition(".")[0]
        return dotted


def _name(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _outside_type_checking(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    if isinstance(tree, ast.Import | ast.ImportFrom):
        yield tree
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(tree, ast.If) and child in tree.body and "TYPE_CHECKING" in ast.unparse(tree.test)):
            yield from _outside_type_checking(child)


_OURS = tuple(f"{ROOT / package}{os.sep}" for package in PACKAGES)


class Visits:
    """Where the calls of one ticket go, in order. A coroutine that goes on is not called again."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self._entered: set[FrameType] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """As a profile function."""
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(_OURS) and frame not in self._entered:
            self._entered.add(frame)
            self.files.append(_name(Path(os.path.relpath(path, ROOT))))

    def changes(self, parts: int) -> int:
        """How often the next call is elsewhere, looking at so many parts of a module's name."""
        places = [".".join(file.split(".")[:parts]) for file in self.files]
        return sum(before != after for before, after in pairwise(places))


async def one_ticket() -> Visits:
    """From POST /v1/tickets to `suggested`, in one process: the real API and executor over a store in memory."""
    import httpx

    from worker.http.api import make_api
    from worker.http.desk import open_desk

    visits = Visits()
    with TemporaryDirectory() as home:
        parts = _parts(Path(home))
        async with open_desk(parts) as desk:
            api = make_api(_nothing, parts.process)
            api.state.desk = desk
            transport = httpx.ASGITransport(api, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                for count in range(2):  # the first one makes what is made once
                    sys.setprofile(visits if count else None)
                    await _post_and_work(client, parts.executor.triage, f"t-{count}")
                    sys.setprofile(None)
    return visits


async def _post_and_work(client: Any, triage: Callable[[str], Any], ticket_id: str) -> None:
    body = {"id": ticket_id, "source": "house", "subject": "", "body": "You charged my card twice."}
    answer = await client.post("/v1/tickets", json=body)
    assert answer.status_code == 202, answer.text
    assert await triage(ticket_id) == "suggested"


def _parts(home: Path) -> Any:
    from tests.fakes.desk import submit
    from tests.fakes.memory_store import MemoryStore
    from tests.fakes.scripted_model import ScriptedModel, reply
    from worker.config.settings import Settings
    from worker.models.tier import Tier
    from worker.service.celery_factory import sender_app
    from worker.wiring import Parts

    class Store(MemoryStore):
        async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
            return [0, None, "", 0] if script == "use_key" else await super().run(script, ticket_id, *args)

    store, settings = Store(), Settings(model="local", home=home)
    parts = Parts(settings, sender_app(settings, "redis://127.0.0.1:1/0"), "redis://127.0.0.1:1/0", lambda _: store)
    said = reply(submit(label="card_payment_fee_charged"))
    parts.__dict__["tiers"] = (Tier(ScriptedModel([said]), 0.5),)
    return parts


@asynccontextmanager
async def _nothing(_: Any) -> Any:
    yield


def figures() -> Iterable[tuple[str, Any]]:
    """Name and value, as LAYOUT's table has them."""
    house, visits = House.at(), asyncio.run(one_ticket())
    yield "files in the biggest folder", house.biggest_folder
    yield "files in import cycles", sum(map(len, house.cycles))
    yield (
        "longest import chain",
        (len(house.longest_chain), " > ".join(house.longest_chain)) if not house.cycles else "-",
    )
    for name in ("tasks.run.loop", "worker.work.run_loop", "worker.work.executor"):
        yield f"modules behind {name}", len(house.behind(name))
    yield "run loops", house.run_loops
    yield "calls of ours for one ticket, POST to suggested", len(visits.files)
    for parts, what in ((1, "package"), (2, "room"), (3, "file")):
        yield f"changes of {what} meanwhile", visits.changes(parts)


if __name__ == "__main__":
    for name, value in figures():
        print(f"{name}: {json.dumps(value)}")
