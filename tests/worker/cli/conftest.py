"""The command line in this process, on a real Valkey."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.worker.cli.direct_ledger import DirectLedger
from worker.cli import main


@dataclass(frozen=True)
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.out.count("\n") == 1, f"not exactly one document:\n{self.out}"
        return json.loads(self.out)


Deskhand = Callable[..., Result]


@pytest.fixture
def deskhand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, valkey_url: str
) -> Deskhand:
    """`deskhand("show", "t1")` runs a command as a person named tester would."""
    monkeypatch.setenv("DESKHAND_REDIS_URL", valkey_url)
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOGNAME", "tester")
    monkeypatch.delenv("COLUMNS", raising=False)  # readline sets it for every process that its own process starts
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "DESKHAND_MODEL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        code = ended.value.code
        return Result(code if isinstance(code, int) else 0, printed.out, printed.err)

    return run


@pytest.fixture
def ledger(valkey_url: str) -> DirectLedger:
    return DirectLedger(valkey_url)
