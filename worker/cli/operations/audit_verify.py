"""`deskhand audit --verify FILE`: is a journal for auditors as it was written, and by whom? Needs no store."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from worker.cli.context import load, run
from worker.cli.output import complain, dump, say

if TYPE_CHECKING:
    from fallbacks.auditing.chain_check import Checked
    from fallbacks.auditing.verify import Verdict
    from fallbacks.history.ed25519_seals import Ed25519Sealer
    from worker.wiring import Parts


def verify_file(file: Path, public_keys: Sequence[str], *, json: bool) -> None:
    """Exit 1 with the lines that are not as they were written. public_keys: none given: this deployment's own."""
    from fallbacks.auditing.verify import verify
    from fallbacks.history.ed25519_seals import sealed_by

    public_keys = _keys(public_keys)
    if str(file) == "-":
        verdict = verify(sys.stdin.buffer, public_keys, sealed_by)
    else:
        with file.open("rb") as stream:
            verdict = verify(stream, public_keys, sealed_by)
    _print(verdict, json=json)
    if not verdict.sound:
        raise typer.Exit(1)


def check_history(public_keys: Sequence[str], *, json: bool) -> None:
    """Exit 1 with the tickets that are not as they left. public_keys: beside this deployment's own."""
    found = run(lambda parts: _chained(parts, [*_keys(public_keys), parts.sealer.public]))
    problems = [{"id": ticket_id or None, "what": what} for ticket_id, what in found.problems]
    if json:
        dump({"sound": not problems, **asdict(found), "problems": problems})
    else:
        unsealed = f", {found.unsealed} of them behind the last seal" if found.unsealed else ""
        say(f"{found.links} links{unsealed}, {found.tickets} tickets, {found.missing} forgotten since")
        say("as it was written" if not problems else f"NOT as it was written: {len(problems)} problems")
        complain(*(f"{ticket_id or 'chain'}: {what}" for ticket_id, what in found.problems))
    if problems:
        raise typer.Exit(1)


async def _chained(parts: "Parts", public_keys: Sequence[str]) -> "Checked":
    from fallbacks.auditing.chain_check import check_chain
    from fallbacks.history.ed25519_seals import sealed_by

    def is_sealed(what: bytes, seal: str) -> bool:
        return any(sealed_by(key, what, seal) for key in public_keys)

    return await check_chain(parts.history, parts.process, is_sealed)


def _keys(given: Sequence[str]) -> list[str]:
    """Checked; none given: this deployment's own."""
    from fallbacks.history.ed25519_seals import read_public

    for key in given:
        try:
            read_public(key)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--key") from None
    return list(given) or [_own().public]


def print_public_key(*, json: bool) -> None:
    """What auditors check signatures by: they keep it where nobody of this deployment can change it."""
    public = _own().public
    if json:
        dump({"public_key": public})
    else:
        say(public)


def _own() -> "Ed25519Sealer":
    from fallbacks.history.ed25519_seals import kept_sealer

    settings = load()
    return kept_sealer(settings.audit_key, settings.home)


def _print(verdict: "Verdict", *, json: bool) -> None:
    if json:
        faults = [{"line": line, "what": what} for line, what in verdict.faults]
        dump({"sound": verdict.sound, **asdict(verdict), "faults": faults})
        return
    counted = f"{verdict.lines} lines: {verdict.tickets} tickets, {verdict.events} events, {verdict.acts} acts"
    erased = f"{verdict.erased} events are erased, by {verdict.receipts} receipts" if verdict.erased else ""
    say(counted, *filter(None, [erased]))
    if verdict.sound:
        say(f"as it was written; head {verdict.head}, signed by {verdict.key}")
        return
    say(f"NOT as it was written: first in line {verdict.faults[0][0]}")
    complain(*(f"line {line}: {what}" for line, what in verdict.faults))
