"""`deskhand worker`, `serve`, `up` and `demo`: the commands that start processes."""

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from worker.cli.context import end_in_order_when_terminated, load
from worker.cli.options import Json
from worker.cli.output import Report, complain, dump, progress, say, show

if TYPE_CHECKING:
    from worker.config.settings import Settings
    from worker.service.demo import DemoReport
    from worker.service.demo_refunds import Refunds


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for start in (demo, up, worker, serve):
        app.command(rich_help_panel="Start")(start)


def worker(
    queues: Annotated[str, typer.Option(help="Comma list: tickets, handoff, intake.")] = "tickets,handoff,intake",
    concurrency: Annotated[int | None, typer.Option("-c", help="Tickets in flight in this process.")] = None,
    pool: Annotated[str | None, typer.Option(help="One of Celery's pools in the place of our own.")] = None,
) -> None:
    """Become a Celery worker with the flags that measured best; prints the command line first."""
    from worker.queue.names import queue_names
    from worker.service.worker_command import CONCURRENCY, worker_command

    names = queue_names(load())
    asked = [name.strip() for name in queues.split(",")]
    command = worker_command([names.get(name, name) for name in asked], concurrency or CONCURRENCY, pool)
    complain("$ celery " + " ".join(command[3:]))
    if pool is None:
        _become_celery(command[command.index("worker") + 1 :])
    os.execv(command[0], command)  # noqa: S606 - a pool that patches what is imported begins with nothing imported


def _become_celery(flags: list[str]) -> NoReturn:
    """In this interpreter, which has the settings already, and without what Celery's other commands load."""
    from celery.bin.base import CLIContext
    from celery.bin.worker import worker as celery_worker

    from worker.celery_app import app

    context = CLIContext(app=app, no_color=False, workdir=None, quiet=True)
    celery_worker.main(args=flags, prog_name="celery worker", obj=context)
    raise AssertionError("Celery's command ends the process")


def serve(
    access_log: Annotated[bool, typer.Option("--access-log", help="Log every request.")] = False,
) -> None:
    """Serve `/v1`, health, metrics and the console on DESKHAND_HOST:DESKHAND_PORT until stopped."""
    from worker.config.settings import Redact
    from worker.service import web
    from worker.telemetry.logs import configure_logs

    settings = load()
    configure_logs(settings.log_format, redacted=settings.redact is not Redact.NONE)
    if not web.serve(settings, access_log=access_log):
        raise typer.Exit(1)


def up(
    concurrency: Annotated[int | None, typer.Option("-c", help="Tickets in flight.")] = None,
) -> None:
    """Start the whole stack and keep it up: store (embedded unless DESKHAND_REDIS_URL is set), workers, web."""
    from worker.ops.doctor import masked_url
    from worker.service.stack import Stack
    from worker.service.worker_command import CONCURRENCY

    settings = load()
    end_in_order_when_terminated()
    with Stack(settings, concurrency or CONCURRENCY) as stack:
        complain(f"store: {masked_url(stack.redis_url)}", f"models: {', '.join(settings.tiers)}")
        complain(f"console and API: {_console(settings)}", "Ctrl-C stops everything; nothing is lost.")
        try:
            stack.wait()
        except KeyboardInterrupt:
            complain("stopping")


def demo(
    tickets: Annotated[int, typer.Option(help="How many sample tickets.", min=1, max=3000)] = 200,
    seed: Annotated[int, typer.Option(help="Which ones; the same seed takes the same.")] = 0,
    *,
    as_json: Json = False,
) -> None:
    """Put real sample tickets on a real queue and show what becomes of them. Needs no key."""
    from worker.service.demo import run_demo, wait_for_workers
    from worker.service.stack import Stack

    settings = _demo_settings(load())
    _announce(settings, tickets)
    with Stack(settings, logs=settings.home / "logs") as stack:
        import asyncio

        from worker.service.celery_factory import sender_app
        from worker.service.demo_refunds import show_refunds
        from worker.wiring import Parts

        parts = Parts(settings, sender_app(settings, stack.redis_url), stack.redis_url)

        async def follow() -> "DemoReport":
            with progress("starting the worker", None, quiet=as_json):
                await wait_for_workers(parts, stack.check)
            with progress("tickets at rest", tickets, quiet=as_json) as advance:
                return await run_demo(parts, tickets, seed, stack.check, advance)

        report = asyncio.run(follow())
        refunds = asyncio.run(show_refunds(settings, stack.redis_url))
    if as_json:
        dump({**_document(report), "refunds": list(refunds.lines), "refunds_paid": refunds.paid})
    else:
        _print(report, settings, refunds)
    if not (report.accounted_for and refunds.balanced):
        complain(*(f"{ticket or 'ledger'}: {what}" for ticket, what in report.audit.problems))
        raise typer.Exit(1)


def _demo_settings(settings: "Settings") -> "Settings":
    """An empty store in a folder of their own, so that a demo never touches what `up` keeps."""
    from worker.config.errors import WorkerError
    from worker.service.embedded_valkey import running_url

    home = settings.home / "demo"
    if settings.redis_url is not None:
        raise WorkerError("the demo uses its own embedded Valkey; unset DESKHAND_REDIS_URL")
    if running_url(home) is not None:
        raise WorkerError(f"a stack is running on {home}; stop it first, the demo starts from an empty store")
    shutil.rmtree(home / "valkey", ignore_errors=True)
    shutil.rmtree(home / "logs", ignore_errors=True)
    return settings.model_copy(update={"home": home, "port": _free_port(settings)})


def _free_port(settings: "Settings") -> int:
    """The port of the settings, or another where that one is taken: a demo should not fail over a number."""
    for port in (settings.port, 0):
        with socket.socket() as probe:
            try:
                probe.bind((settings.host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return settings.port


def _announce(settings: "Settings", tickets: int) -> None:
    complain(f"{tickets} real customer questions (Banking77), an embedded Valkey, real Celery workers.")
    if settings.tiers == ("local",):
        complain("No ANTHROPIC_API_KEY is set: the local model, trained on the shipped examples, does the work.")
    else:
        complain(f"Models: {', '.join(settings.tiers)}.")


def _print(report: "DemoReport", settings: "Settings", refunds: "Refunds") -> None:
    from fallbacks.plan import PLAN
    from tasks.money import format_usd
    from tasks.reasons import Reason

    table = Report(["state", "why", "tickets"], title="What became of the tickets", numeric=frozenset({"tickets"}))
    for (state, reason), count in sorted(report.outcomes.items(), key=lambda item: -item[1]):
        waits = {"suggested": "a validated suggestion waits for a person", "decided": "a decision stands"}
        table.add(state, PLAN[Reason(reason)].means if reason else waits.get(state, ""), count)
    show(table)
    accuracy = "nothing was answered" if report.accuracy is None else f"{report.accuracy:.3f}"
    say(
        f"accounted for: {sum(report.outcomes.values())} of {report.tickets} in {report.seconds:.1f} s",
        f"team right (true labels of this run): {accuracy} on the {report.answered} it answered; "
        f"label right: {report.correct_labels / max(1, report.answered):.3f}",
        f"cost: {format_usd(report.spent_nanodollars)} in {report.steps} model calls",
        _alerts(report, settings),
        f"audit: {'balanced' if report.audit.balanced else 'NOT balanced'}",
        "",
        "A second process, refund_draft, whose effect waits for a person (rules and a stand-in for a payment API):",
        *(f"  {line}" for line in refunds.lines),
        f"  {refunds.paid} paid; audit: {'balanced' if refunds.balanced else 'NOT balanced'}",
        "",
        "See them as the people who decide would. Start the stack on these tickets:",
        f"  DESKHAND_HOME={_relative(settings.home)} {_myself()} up",
        f"In another terminal make yourself a user, and sign in at {_console(settings)}",
        f"  export DESKHAND_HOME={_relative(settings.home)}",
        f"  {_myself()} users create NAME --role admin",
        "or work through the inbox right there:",
        f"  {_myself()} inbox work",
    )


def _alerts(report: "DemoReport", settings: "Settings") -> str:
    found = report.audit
    every = f"one per reason every {settings.alert_quiet_seconds:g} s"
    line = f"alerts: {found.alerts_told} of {found.alerts_raised} hand-offs reported"
    if not found.alerts_pending:
        return line
    return f"{line}, {found.alerts_pending} wait for the next alert ({every})"


def _document(report: "DemoReport") -> dict[str, Any]:
    return {
        "tickets": report.tickets,
        "seconds": round(report.seconds, 3),
        "outcomes": [
            {"state": state, "reason": reason or None, "tickets": count}
            for (state, reason), count in report.outcomes.items()
        ],
        "answered": report.answered,
        "team_accuracy": report.accuracy,
        "cost_nanodollars": report.spent_nanodollars,
        "model_calls": report.steps,
        "alerts_told": report.audit.alerts_told,
        "alerts_pending": report.audit.alerts_pending,
        "balanced": report.audit.balanced,
    }


def _console(settings: "Settings") -> str:
    return f"http://{settings.host}:{settings.port}/"


def _myself() -> str:
    """How this command was called, so that what is printed can be pasted."""
    return "deskhand" if shutil.which("deskhand") else _relative(Path(sys.argv[0]))


def _relative(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
