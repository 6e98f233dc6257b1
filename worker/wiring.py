"""The one place that wires: settings in, working parts out. Nothing else chooses an implementation."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from celery import Celery
from pydantic import SecretStr

from fallbacks.autonomy.calls import CallJudge
from fallbacks.autonomy.proof import Rule
from fallbacks.autonomy.standing import AutonomyJudge, Judgement, Key, Terms
from fallbacks.autonomy.watch import Watch
from fallbacks.delivery.alerts import AlertDesk, AlertSink
from fallbacks.delivery.outbox import Outbox, OutcomeSender
from fallbacks.delivery.outcomes import WEBHOOK, Outcome, OutcomeWriter
from fallbacks.erasure.erasure import Erasure
from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.probes import Probes
from fallbacks.ledger.limits.control import Control
from fallbacks.ledger.past.history import LedgerHistory
from fallbacks.ledger.past.leaving import Leaving
from fallbacks.ledger.past.one_history import announce
from fallbacks.ledger.prompts import canary_of, keep_prompt
from fallbacks.ledger.states import HintKind
from fallbacks.ledger.sums.trend import keep_trend
from fallbacks.operations.look import Terms as LookTerms
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.agent import PREFETCH, Agent
from tasks.run.process import Result
from tasks.run.tool import Tool
from tasks.tools.ports import CustomerDirectory
from worker import sample
from worker.clients.celery_queue import is_amqp
from worker.config import own_settings, sources
from worker.config.models import Make, ModelEntry
from worker.config.settings import Autonomy, Settings
from worker.config.versions import CODE_VERSION
from worker.intake.admission import Admission
from worker.intake.redis import RedisIntake
from worker.intake.redis_loops import message_loops
from worker.intake.redis_poison import PoisonList
from worker.intake.requester_quota import RequesterQuota
from worker.intake.threads import Threads, make_threads
from worker.lookups.similar_index import SimilarTickets
from worker.lookups.sqlite_customers import SqliteCustomers
from worker.lookups.sqlite_knowledge import SqliteKnowledge
from worker.lookups.tickets import History
from worker.models.own_traffic import screen_of
from worker.models.promises import keep_promises
from worker.models.reuse import kept_for, reusing
from worker.models.tier import Tier
from worker.models.tiers import brought_tier, make_tier
from worker.outcomes.kombu import QUEUE, KombuOutcomes
from worker.outcomes.receivers import Receivers
from worker.queue.celery_publisher import Publisher
from worker.queue.names import poison_key, queue_names
from worker.telemetry.otel_environment import make_tracing
from worker.telemetry.tracing import Tracing
from worker.tools import toolbox
from worker.wiring_records import Records
from worker.work.caretaker import Caretaker
from worker.work.delivery_loop import DeliveryLoop, report_turns
from worker.work.executor import Executor
from worker.work.heartbeat import Heartbeat
from worker.work.live_runs import LiveRuns
from worker.work.mover import Mover
from worker.work.outage import Outage
from worker.work.sweeper import Begin, Sweeper

if TYPE_CHECKING:
    from worker.connectors.hook import Hook

HANDS_OFF_AT_ONCE = 16
"""Of a web process while no worker does it."""


@dataclass
class Parts(Records):
    """Everything a process may need, made on first use. One instance per process and event loop.

    wrap_store: lets a test stand between the store and everything above them.
    agents: False in a process that only hands off; it needs no model, and one that cannot be loaded cannot stop it.
    """

    settings: Settings
    app: Celery
    redis_url: str
    wrap_store: Callable[[Store], Store] = lambda store: store
    agents: bool = True

    @cached_property
    def live(self) -> LiveRuns:
        """What this process works now."""
        return LiveRuns(f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}")

    @cached_property
    def erasure(self) -> Erasure:
        return Erasure(self.store, self.history, self.process, self.sealer, self.inbox.cancel)

    @cached_property
    def outcomes(self) -> OutcomeWriter:
        return OutcomeWriter(wanted=self.settings.webhook_url is not None, also=self._other_receivers)

    def _other_receivers(self, door: str, outcome: Outcome) -> list[str]:
        own = [QUEUE] if self.settings.outcomes_queue else []
        if not self.hooks:
            return own
        from worker.connectors.hook import receivers_of

        return [*own, *receivers_of(self.hooks, door, outcome)]

    @cached_property
    def hooks(self) -> "Mapping[str, Hook]":
        if not self.settings.hooks:
            return {}
        from worker.connectors.yaml_hooks import load_hooks  # with what reads JSONPath only where there are any

        return load_hooks(self.settings.hooks)

    @cached_property
    def inbox(self) -> Inbox:
        given, history = self.settings, self.history
        bounds = (given.max_wait_seconds, history, given.max_resumes, lambda: self.tools, given.approval_seconds)
        return Inbox(self.store, self.process, self.outcomes, *bounds)

    @cached_property
    def threads(self) -> Threads:
        return make_threads(self.store, self.ledger, self.outcomes, self.settings, self.history)

    @cached_property
    def publisher(self) -> Publisher:
        queues = queue_names(self.settings) | {"unreadable": poison_key(self.settings)}
        return Publisher(self.app, queues, self.tracing.outgoing)

    @cached_property
    def tracing(self) -> Tracing:
        return make_tracing(os.environ)

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        """The prefetch and the allow-listed tools, clients injected."""
        return {name: self.tool(name) for name in sorted({PREFETCH, *self.settings.allowed_tools})}

    def tool(self, name: str) -> Tool:
        """One with its clients, allowed or not. Raises `NotUsableError`, `SettingsError`."""
        definition = toolbox.found(name, self.settings)
        return self.tracing.tool(definition.bind({**self._clients, **own_settings.brought_by(definition)}))

    @cached_property
    def _clients(self) -> dict[str, Any]:
        clients: dict[str, Any] = {
            "knowledge": SqliteKnowledge(sources.knowledge_folder(self.settings)),
            "customers": self.customers,
            "history": self.past_tickets,
            "attachments": self.views,
        }
        if self.settings.notify_url is not None and self.settings.notify_secret is not None:
            from worker.outcomes.http_notifier import HttpNotifier  # httpx only where a receiver is configured

            clients["notifier"] = HttpNotifier(self.settings.notify_url, self.settings.notify_secret)
        return clients

    @cached_property
    def customers(self) -> CustomerDirectory:
        settings = self.settings
        if settings.customers_url is None:
            return SqliteCustomers(sources.customers_file(settings))
        from worker.lookups.http_customers import HttpCustomers  # httpx only where a directory is configured

        return HttpCustomers(settings.customers_url, settings.customers_token or SecretStr(""))

    @cached_property
    def past_tickets(self) -> History:
        """A requester's, and similar ones."""
        return History(LedgerHistory(self.store, self.process, self.history), self._similar)

    def _similar(self) -> SimilarTickets:
        similar = SimilarTickets()
        if self.process is self.triage and self.settings.taxonomy is None:
            similar.add_many(sample.past_tickets(self.process))
        return similar

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        return tuple(map(self._tier, self.settings.entries))

    def _tier(self, entry: ModelEntry) -> Tier:
        if self.brought is not None and entry.make is Make.LOCAL:
            return brought_tier(self.brought, self.process, self.tracing)
        return make_tier(entry, self.settings, self.taxonomy, self.prompt, self.tracing)

    def renew_local(self) -> None:
        """Make the local tier anew: it works from the next ticket on, those in hand end with what they began with."""
        pairs = zip(self.settings.entries, self.tiers, strict=True)
        tiers = tuple(self._tier(entry) if entry.make is Make.LOCAL else tier for entry, tier in pairs)
        vars(self).update(tiers=tiers)
        vars(self).pop("executor", None)

    @cached_property
    def agent(self) -> Agent:
        """What works every ticket here; its canary comes from the store."""
        settings, screen = self.settings, screen_of(self.settings, works=self.agents)
        tokens, seconds = settings.max_output_tokens, settings.call_seconds
        return Agent(self.process, self.tools, tokens, seconds, code_version=CODE_VERSION, screen=screen)

    @cached_property
    def executor(self) -> Executor:
        kept = kept_for(self.views, self.settings.reuse_seconds, self._same_key)
        return self._executor(reusing(self.tiers, kept) if self.agents else ())

    def _executor(self, tiers: tuple[Tier, ...]) -> Executor:
        settings = self.settings
        return Executor(
            live=self.live,
            ledger=self.ledger,
            agent=self.agent,
            tiers=tiers,
            outcomes=self.outcomes,
            judge=self._judge,
            day_cap=settings.day_cap_nanodollars,
            source_caps=settings.source_terms.caps,
            approval_seconds=settings.approval_seconds,
            earned=self._earned,
            max_losses=settings.max_worker_losses,
            over_quota=RequesterQuota(self.store, settings.requester_tickets_per_hour).exceeded,
            switched_off=settings.autonomy is Autonomy.OFF,
            enter=self._enter,
            joined=self.threads.joined,
            tracing=self.tracing,
        )

    async def _enter(self) -> str:
        """Keep the prompt that works here from now on, and learn the ledger's canary."""
        await keep_prompt(self.store, self.prompt)
        runs = {"code": CODE_VERSION, "prompt": self.prompt.version, "taxonomy": self.taxonomy.version}
        runs["models"] = ", ".join(f"{tier.model.name} ({tier.version})" for tier in self.tiers)
        await Control(self.store).deployed(self.live.owner, runs)
        await keep_promises(self.store, self.tiers)
        return await canary_of(self.store)

    @property
    def terms(self) -> LookTerms:
        """What is usual is judged by them."""
        set_ = self.settings
        return LookTerms(set_.lease_seconds, set_.day_cap_nanodollars, set_.autonomy.value, set_.tiers)

    @cached_property
    def standings(self) -> AutonomyJudge:
        """What kinds of decisions have earned, by people's decisions."""
        settings = self.settings
        rule = Rule(settings.autonomy_target, settings.autonomy_error)
        terms = Terms(rule, settings.autonomy_audit_share)
        return AutonomyJudge(self.store, self.process, terms, history=self.history, reads=self._reads)

    @property
    def _reads(self) -> str:
        """How this process reads people's decisions; "" where a package's code does, whose version nobody knows."""
        triage = self.triage
        said = (CODE_VERSION, triage.taxonomy_version, triage.agree_on, sorted(triage.severe_mistakes))
        return repr(said) if self.process is triage else ""

    @cached_property
    def watch(self) -> Watch:
        """What notices promotions and demotions."""
        return Watch(self.store, self.process, lambda: self.standings, self.history)

    def _same_key(self, arguments: Result, result: Result) -> bool:
        """Whether a terminal call came to this result, in what evidence is counted by."""
        keyed_by = self.process.keyed_by
        return bool(keyed_by in arguments and keyed_by in result and arguments[keyed_by] == result[keyed_by])

    async def _judge(self, key: Key) -> Judgement:
        switched = (await self.store.fields(keys.CONTROL)).get("autonomy")
        mode = switched or self.settings.autonomy.value
        return await self.standings.judge(key, may_act=mode == "auto")

    async def _earned(self, tool: str, version: str) -> str:
        switched = (await self.store.fields(keys.CONTROL)).get("autonomy")
        mode = switched or self.settings.autonomy.value
        return await self.calls.refusal(tool, version, may_act=mode == "auto")

    @cached_property
    def calls(self) -> CallJudge:
        """What the tools' calls have earned, by people's approvals."""
        return CallJudge(self.store, self.process.name, self.standings.terms)

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.ledger, self.threads, self.settings, lambda: self.live.draining, frozenset(self.hooks))

    def message_loops(self, queues: tuple[str, ...]) -> list[PoisonList | RedisIntake]:
        """What reads messages beside Celery, where the broker is a Redis."""
        url = self.settings.broker_url or self.redis_url
        return [] if is_amqp(url) else message_loops(self.settings, url, queues, self.admission, self.publisher)

    def heartbeat(self, slots: int, queues: tuple[str, ...]) -> Heartbeat:
        """The beat of a worker process that offers `slots` on `queues`."""
        work: dict[HintKind, Begin] = {  # looked up at each ticket: `renew_local` makes another executor
            HintKind.TRIAGE: lambda given: self.executor.triage(given, hint=True),
            HintKind.HAND_OFF: lambda given: self.executor.hand_off(given),
        }
        served = {HintKind.TRIAGE: "tickets", HintKind.HAND_OFF: "handoff"}
        begin = {kind: work[kind] for kind, queue in served.items() if queue in queues}
        return Heartbeat(
            live=self.live,
            ledger=self.ledger,
            sweeper=self.sweeper(slots, begin),
            outage=Outage(f"worker {self.live.owner}", self.alert_sinks, self.settings.lease_seconds),
            ready=lambda: self.executor.ready(),
            sweep_seconds=self.settings.sweep_seconds,
            slots=slots,
            queues=queues,
            version=CODE_VERSION,
            models=lambda: self.tiers if self.agents else (),
            history_room=self.history_room,
            keep_trend=partial(keep_trend, self.views),
            announce=self._announce,
            day_cap=self.settings.day_cap_nanodollars,
            sources=self.settings.source_terms,
        )

    @cached_property
    def caretaker(self) -> Caretaker:
        """Of a web process, for the time when no worker hands off. It asks no model."""
        settings, hands_off = self.settings, {HintKind.HAND_OFF: self._executor(()).hand_off}
        sweeper = self.sweeper(HANDS_OFF_AT_ONCE, hands_off)
        sweeper.here = frozenset(hands_off)
        outage = Outage(f"web process {self.live.owner}", self.alert_sinks, settings.lease_seconds)
        how_often = (settings.sweep_seconds, settings.lease_seconds)
        return Caretaker(
            self.store, sweeper, self.alert_desk, outage, *how_often, partial(keep_trend, self.views), self._announce
        )

    def sweeper(self, slots: int, begin: Mapping[HintKind, Begin]) -> Sweeper:
        """What looks for forgotten work, in a process that works so many tickets at once, in these ways."""
        return Sweeper(self.ledger, self.publisher, self.settings.max_worker_losses, slots, begin)

    @cached_property
    def alert_sinks(self) -> tuple[AlertSink, ...]:
        """Where alerts go."""
        settings, sinks = self.settings, list[AlertSink]()
        if settings.sentry_dsn is not None:
            from fallbacks.delivery.sentry_alerts import SentryAlerts  # the SDK only where a DSN is set

            sinks.append(SentryAlerts(settings.sentry_dsn.get_secret_value(), f"deskhand@{CODE_VERSION}"))
        if settings.alert_webhook_url is not None:
            from fallbacks.delivery.http_alerts import WebhookAlerts  # httpx only where a receiver is set

            sinks.append(WebhookAlerts(settings.alert_webhook_url))
        return tuple(sinks)

    @cached_property
    def alert_desk(self) -> AlertDesk:
        settings = self.settings
        return AlertDesk(self.store, self.alert_sinks, settings.alert_quiet_seconds, settings.public_url or "")

    @cached_property
    def delivery_loop(self) -> DeliveryLoop:
        settings = self.settings
        probes = Probes(self.store, self.process, settings.probe_share, self.live.owner, history=self.history)
        watch = partial(report_turns, self.watch, self.alert_desk)
        return DeliveryLoop(self.alert_desk, self._outbox, self._mover.take_turn, probes.take_turn, watch)

    async def _announce(self) -> None:
        await announce(self.store, self.history, self.live.owner)

    @cached_property
    def _mover(self) -> Mover:
        return Mover(
            Leaving(self.store, self.history, self.process), self.examples, self.alert_desk, self.keep_history_up
        )

    @property
    def _outbox(self) -> Outbox | None:
        settings, senders = self.settings, dict[str, OutcomeSender]()
        private = settings.webhook_allow_private
        if settings.webhook_url is not None and settings.webhook_secret is not None:
            from fallbacks.delivery.http_webhooks import HttpWebhooks  # httpx only where a receiver is set

            secret = settings.webhook_secret.get_secret_value()
            senders[WEBHOOK] = HttpWebhooks(settings.webhook_url, secret, allow_private=private)
        if settings.outcomes_queue:
            senders[QUEUE] = KombuOutcomes(self.app, settings.namespace)
        if any(hook.outcomes for hook in self.hooks.values()):
            from worker.connectors.hook import RECEIVER
            from worker.connectors.http_updates import HookUpdates

            senders[RECEIVER] = HookUpdates(self.hooks, self.views, allow_private=private)
        return Outbox(self.store, Receivers(senders), others=senders.keys() != {WEBHOOK}) if senders else None
