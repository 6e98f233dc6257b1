"""What each alert rule is tried with: series, a value a minute, with which it fires and with which it stays quiet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Series = Mapping[str, str]
"""A metric as `/metrics` names it, with its own labels -> its values, a minute apart, as promtool writes them."""

LONG = 90
"""Minutes that a case runs: longer than any rule waits."""

DAY_LONG = 780
"""Of one that compares hours with the day before."""


def steady(value: float) -> str:
    """The same at every scrape."""
    return f"{value:g}x{LONG}"


def growing(by: float) -> str:
    """A counter that rises by as much at every scrape."""
    return f"0+{by:g}x{LONG}"


@dataclass(frozen=True, slots=True)
class Case:
    """fires: the rule fires once a deployment. labels: of the alert, beside its name and severity. minutes: it runs.

    quiet: lots of series that are near it and in order.
    """

    fires: Series
    quiet: tuple[Series, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    minutes: int = LONG


QUEUED = 'deskhand_tickets{state="queued"}'
PAUSED = 'deskhand_paused{scope="tickets"}'
OVER_DAY = 'deskhand_budget_exhausted_total{budget="day"}'
OVER_RUN = 'deskhand_budget_exhausted_total{budget="cost"}'
HANDED_OFF = 'deskhand_human_items{state="handed_off",reason="model_unavailable"}'
UNREADABLE = 'deskhand_human_items{state="rejected",reason="unreadable"}'
SUGGESTED = 'deskhand_human_items{state="suggested",reason="suggestion"}'
OK_CALLS = 'deskhand_llm_requests_total{model="m",outcome="ok"}'
BAD_CALLS = 'deskhand_llm_requests_total{model="m",outcome="rate_limited"}'
WAITED_10 = 'deskhand_queue_wait_seconds_bucket{le="10.0"}'
WAITED_600 = 'deskhand_queue_wait_seconds_bucket{le="600.0"}'
WAITED = 'deskhand_queue_wait_seconds_bucket{le="+Inf"}'
RAISED = 'deskhand_alerts_total{outcome="raised"}'
SENT = 'deskhand_alerts_total{outcome="told"}'
FAILED = 'deskhand_alerts_total{outcome="failed"}'
DELIVERED = 'deskhand_webhook_deliveries_total{outcome="delivered"}'
RETRIED = 'deskhand_webhook_deliveries_total{outcome="retry"}'
REDELIVERED = 'deskhand_webhook_deliveries_total{outcome="redelivered"}'
HANDOFF_SLOTS = 'deskhand_queue_slots{queue="handoff"}'
INTAKE_SLOTS = 'deskhand_queue_slots{queue="intake"}'
INTAKE_READY, UNREADABLE_READY = 'deskhand_queue_ready{queue="intake"}', 'deskhand_queue_ready{queue="unreadable"}'
TICKET_SLOTS = 'deskhand_queue_slots{queue="tickets"}'
MEMORY, MAX_MEMORY = "deskhand_store_memory_bytes", "deskhand_store_memory_limit_bytes"
LARGEST, SAMPLE = "deskhand_largest_requester_share", "deskhand_requester_sample"
OPEN_BREAKER = 'deskhand_breaker_open{model="m"}'
COST = 'deskhand_llm_cost_dollars_total{model="m"}'
SUGGESTED_RUNS = 'deskhand_runs_total{outcome="suggested",reason=""}'
HANDED_OFF_RUNS = 'deskhand_runs_total{outcome="handed_off",reason="tool_failed"}'
DEPLOYED = 'deskhand_deployed_seconds{what="code"}'
SPENT, RESERVED = "deskhand_spend_today_dollars", "deskhand_reserved_today_dollars"
BUDGET = "deskhand_day_budget_dollars"
SOURCE_NEAR = 'deskhand_source_budget_near{source="backfill",period="month"}'
AGREED = 'deskhand_suggestions_judged_total{agreed="yes"}'
DIFFERED = 'deskhand_suggestions_judged_total{agreed="no"}'
DELAYED = "deskhand_store_delayed_fsyncs_total"
TOOL_OK, TOOL_BAD = (f'deskhand_tool_calls_total{{tool="t",outcome="{outcome}"}}' for outcome in ("ok", "timeout"))
TOOL_CONTEXT = 'deskhand_tool_calls_total{tool="ticket_context",outcome="ok"}'
TOOK_1, TOOK_10, TOOK = (f'deskhand_tool_seconds_bucket{{tool="t",le="{bound}"}}' for bound in ("1.0", "10.0", "+Inf"))
LOCAL_CALLS = 'deskhand_llm_requests_total{model="local",outcome="ok"}'
REPLICAS, LAG = "deskhand_store_replicas", "deskhand_store_replica_lag_bytes"
STORE_ROOM, STORE_DISK = "deskhand_store_disk_free_bytes", "deskhand_store_disk_bytes"
HISTORY_ROOM, HISTORY_DISK = "deskhand_history_disk_free_bytes", "deskhand_history_disk_bytes"
ENDED, ENDED_AGE = "deskhand_ended_in_store", "deskhand_ended_in_store_oldest_seconds"
CLIENTS, MAX_CLIENTS = "deskhand_store_connections", "deskhand_store_connections_limit"

CASES: Mapping[str, Case] = {
    "DeskhandBoundViolated": Case(
        {"deskhand_bound_violations_total": "0x30 1x60"}, ({"deskhand_bound_violations_total": steady(7)},)
    ),
    "DeskhandUnscraped": Case({"up": steady(0)}, ({"up": steady(1)}, {"up": "1x88 0 1"})),
    "DeskhandNoWorkers": Case(
        {"deskhand_slots": steady(0), QUEUED: steady(200)},
        (
            {"deskhand_slots": steady(0), QUEUED: steady(0)},
            {"deskhand_slots": steady(64), QUEUED: steady(200)},
            {"deskhand_slots": "64x88 0 0", QUEUED: steady(200)},
        ),
    ),
    "DeskhandQueueUnserved": Case(
        {INTAKE_READY: steady(3), INTAKE_SLOTS: steady(0), TICKET_SLOTS: steady(64)},
        (
            {INTAKE_READY: steady(3), INTAKE_SLOTS: steady(64)},
            {INTAKE_READY: steady(0), INTAKE_SLOTS: steady(0)},
            {UNREADABLE_READY: steady(9), INTAKE_READY: steady(0), INTAKE_SLOTS: steady(0)},
        ),
        {"queue": "intake"},
    ),
    "DeskhandQueueOld": Case(
        {"deskhand_queue_oldest_age_seconds": steady(601), 'deskhand_paused{scope="autonomy"}': steady(1)},
        (
            {"deskhand_queue_oldest_age_seconds": steady(600)},
            {"deskhand_queue_oldest_age_seconds": steady(4000), PAUSED: steady(1)},
        ),
    ),
    "DeskhandOverloaded": Case(
        {"deskhand_load": steady(2.5), 'deskhand_paused{scope="handoff"}': steady(1)},
        ({"deskhand_load": steady(2)}, {"deskhand_load": steady(9), PAUSED: steady(1)}),
    ),
    "DeskhandLeasesLost": Case(
        {"deskhand_leases_lost_total": growing(1)}, ({"deskhand_leases_lost_total": growing(0.1)},)
    ),
    "DeskhandWorkerFrozen": Case({"deskhand_workers_silent": steady(1)}, ({"deskhand_workers_silent": steady(0)},)),
    "DeskhandRequesterFloods": Case(
        {LARGEST: steady(0.8), SAMPLE: steady(200)},
        ({LARGEST: steady(0.8), SAMPLE: steady(50)}, {LARGEST: steady(0.4), SAMPLE: steady(2000)}),
    ),
    "DeskhandSlowToStart": Case(
        {WAITED_10: growing(1), WAITED_600: growing(10), WAITED: growing(10)},
        ({WAITED_10: growing(10), WAITED_600: growing(10), WAITED: growing(10)}, {WAITED: steady(0)}),
    ),
    "DeskhandPaused": Case({PAUSED: steady(1)}, ({PAUSED: "_x60 1x30"},), {"scope": "tickets"}),
    "DeskhandModelCallsFail": Case(
        {OK_CALLS: growing(7), BAD_CALLS: growing(3)},
        ({OK_CALLS: growing(9), BAD_CALLS: growing(1)}, {OK_CALLS: steady(9), BAD_CALLS: steady(9)}),
        {"model": "m"},
    ),
    "DeskhandBreakerOpen": Case(
        {OPEN_BREAKER: steady(1)}, ({OPEN_BREAKER: steady(0)}, {OPEN_BREAKER: "0x88 1 1"}), {"model": "m"}
    ),
    "DeskhandCostDoubled": Case(
        {COST: "0+1x65 66+3x30", SUGGESTED_RUNS: growing(10)},
        (
            {COST: "0+1x65 66+3x30", SUGGESTED_RUNS: "0+10x65 660+30x30"},
            {COST: growing(1), SUGGESTED_RUNS: growing(10)},
            {COST: steady(1), SUGGESTED_RUNS: steady(1)},
        ),
    ),
    "DeskhandBudgetNear": Case(
        {SPENT: steady(7), RESERVED: steady(2), BUDGET: steady(10)},
        ({SPENT: steady(7), RESERVED: steady(1), BUDGET: steady(10)}, {SPENT: steady(1000), RESERVED: steady(0)}),
    ),
    "DeskhandSourceBudgetNear": Case(
        {SOURCE_NEAR: steady(1)}, ({SOURCE_NEAR: steady(0)},), {"source": "backfill", "period": "month"}
    ),
    "DeskhandDayBudgetUsedUp": Case(
        {OVER_DAY: "0x80 1x10"}, ({OVER_DAY: steady(3), OVER_RUN: growing(1)},), {"budget": "day"}
    ),
    "DeskhandInboxOld": Case(
        {"deskhand_human_oldest_age_seconds": steady(14_401)}, ({"deskhand_human_oldest_age_seconds": steady(14_400)},)
    ),
    "DeskhandHandOffStorm": Case(
        {HANDED_OFF: steady(101)},
        ({HANDED_OFF: steady(100), SUGGESTED: steady(5000)}, {UNREADABLE: steady(100)}),
        {"state": "handed_off", "reason": "model_unavailable"},
    ),
    "DeskhandHandOffsOfOneReason": Case(
        {HANDED_OFF_RUNS: growing(6), SUGGESTED_RUNS: growing(4)},
        (
            {HANDED_OFF_RUNS: growing(4), SUGGESTED_RUNS: growing(6)},
            {HANDED_OFF_RUNS: growing(0.5), SUGGESTED_RUNS: steady(4)},
        ),
        {"reason": "tool_failed"},
    ),
    "DeskhandBadDeploy": Case(
        {HANDED_OFF_RUNS: "_x75 8+8x20", SUGGESTED_RUNS: "0+9x75 684+2x20", DEPLOYED: steady(4500)},
        (
            {HANDED_OFF_RUNS: "0+1x75 76+8x20", SUGGESTED_RUNS: "0+9x75 684+2x20", DEPLOYED: steady(60)},
            {HANDED_OFF_RUNS: growing(1), SUGGESTED_RUNS: growing(9), DEPLOYED: steady(4500)},
        ),
    ),
    "DeskhandAgreementDropped": Case(
        {AGREED: "0+9x400 3600+5x380", DIFFERED: "0+1x400 400+5x380"},
        (
            {AGREED: f"0+9x{DAY_LONG}", DIFFERED: f"0+1x{DAY_LONG}"},
            {AGREED: f"0+5x{DAY_LONG}", DIFFERED: f"0+5x{DAY_LONG}"},
        ),
        minutes=DAY_LONG,
    ),
    "DeskhandToolFails": Case(
        {TOOL_OK: growing(7), TOOL_BAD: growing(3)},
        ({TOOL_OK: growing(9), TOOL_BAD: growing(1)}, {TOOL_OK: growing(0.1), TOOL_BAD: growing(0.3)}),
        {"tool": "t"},
    ),
    "DeskhandToolSlow": Case(
        {TOOK_1: "0+10x400 4000+0x380", TOOK_10: f"0+10x{DAY_LONG}", TOOK: f"0+10x{DAY_LONG}"},
        (
            {TOOK_1: f"0+0x{DAY_LONG}", TOOK_10: f"0+10x{DAY_LONG}", TOOK: f"0+10x{DAY_LONG}"},
            {TOOK_1: f"0+10x{DAY_LONG}", TOOK_10: f"0+10x{DAY_LONG}", TOOK: f"0+10x{DAY_LONG}"},
        ),
        {"tool": "t"},
        minutes=DAY_LONG,
    ),
    "DeskhandToolUnused": Case(
        {TOOL_OK: f"0+0x{DAY_LONG}", TOOL_CONTEXT: f"0+0x{DAY_LONG}", OK_CALLS: f"0+1x{DAY_LONG}"},
        (
            {TOOL_OK: f"0+0x{DAY_LONG}", LOCAL_CALLS: f"0+9x{DAY_LONG}"},
            {TOOL_OK: f"0+0x{DAY_LONG}", OK_CALLS: f"0+0.1x{DAY_LONG}"},
            {TOOL_OK: f"0+0.1x{DAY_LONG}", OK_CALLS: f"0+9x{DAY_LONG}"},
        ),
        {"tool": "t"},
        minutes=DAY_LONG,
    ),
    "DeskhandNoHandOffWorker": Case(
        {HANDOFF_SLOTS: steady(0), TICKET_SLOTS: steady(64)},
        ({HANDOFF_SLOTS: steady(4), TICKET_SLOTS: steady(0)}, {HANDOFF_SLOTS: "4x87 0x3"}),
        {"queue": "handoff"},
    ),
    "DeskhandAlertsOverdue": Case(
        {"deskhand_alerts_overdue_seconds": growing(60)}, ({"deskhand_alerts_overdue_seconds": steady(60)},)
    ),
    "DeskhandAlertsUnsent": Case(
        {RAISED: growing(20), SENT: steady(0), FAILED: growing(1)},
        (
            {RAISED: steady(200), SENT: steady(200), FAILED: steady(0)},
            {RAISED: f"20+20x{LONG}", SENT: growing(20), FAILED: steady(0)},
        ),
    ),
    "DeskhandAlertsFail": Case(
        {FAILED: growing(1)}, ({FAILED: steady(12), RAISED: growing(9)},), {"outcome": "failed"}
    ),
    "DeskhandWebhooksFail": Case(
        {DELIVERED: growing(7), RETRIED: growing(3)},
        (
            {DELIVERED: growing(9), RETRIED: growing(1)},
            {DELIVERED: steady(0), RETRIED: steady(0), REDELIVERED: growing(9)},
        ),
    ),
    "DeskhandWebhooksGivenUp": Case(
        {"deskhand_outbox_given_up": steady(1)}, ({"deskhand_outbox_given_up": steady(0)},)
    ),
    "DeskhandWebhookDisabled": Case(
        {"deskhand_webhook_disabled": steady(1)}, ({"deskhand_webhook_disabled": steady(0)},)
    ),
    "DeskhandOutcomesOverdue": Case(
        {"deskhand_outcomes_overdue_seconds": growing(60), "deskhand_webhook_disabled": steady(0)},
        (
            {"deskhand_outcomes_overdue_seconds": steady(60), "deskhand_webhook_disabled": steady(0)},
            {"deskhand_outcomes_overdue_seconds": growing(60), "deskhand_webhook_disabled": steady(1)},
        ),
    ),
    "DeskhandOutboxGrows": Case({"deskhand_outbox": steady(1001)}, ({"deskhand_outbox": steady(1000)},)),
    "DeskhandStoreFilling": Case(
        {MEMORY: steady(6.1e8), MAX_MEMORY: steady(1e9)},
        ({MEMORY: steady(5.9e8), MAX_MEMORY: steady(1e9)}, {MEMORY: steady(5.9e8), MAX_MEMORY: steady(0)}),
    ),
    "DeskhandStoreFull": Case(
        {MEMORY: steady(8.1e8), MAX_MEMORY: steady(1e9)},
        ({MEMORY: steady(7.9e8), MAX_MEMORY: steady(1e9)}, {MEMORY: steady(7.9e8), MAX_MEMORY: steady(0)}),
    ),
    "DeskhandStoreUnbounded": Case({MAX_MEMORY: steady(0)}, ({MAX_MEMORY: steady(1e9)},)),
    "DeskhandStoreForgets": Case(
        {"deskhand_store_append_only": steady(0)}, ({"deskhand_store_append_only": steady(1)},)
    ),
    "DeskhandStoreCrowded": Case(
        {CLIENTS: steady(8001), MAX_CLIENTS: steady(10_000)}, ({CLIENTS: steady(8000), MAX_CLIENTS: steady(10_000)},)
    ),
    "DeskhandStoreSlowDisk": Case({DELAYED: growing(1)}, ({DELAYED: steady(9)},)),
    "DeskhandStoreDiskLow": Case(
        {STORE_ROOM: steady(9e8), STORE_DISK: steady(1e10)}, ({STORE_ROOM: steady(1.1e9), STORE_DISK: steady(1e10)},)
    ),
    "DeskhandHistoryAway": Case({"deskhand_history_answers": steady(0)}, ({"deskhand_history_answers": "1x88 0 1"},)),
    "DeskhandTicketsDoNotLeave": Case(
        {ENDED: steady(1201), ENDED_AGE: steady(60), "deskhand_outbox": steady(100)},
        (
            {ENDED: steady(1200), ENDED_AGE: steady(345_600), "deskhand_outbox": steady(100)},
            {ENDED: "1201x79 0x10", ENDED_AGE: steady(60), "deskhand_outbox": steady(100)},
        ),
    ),
    "DeskhandHistoryDiskLow": Case(
        {HISTORY_ROOM: steady(9e8), HISTORY_DISK: steady(1e10)},
        (
            {HISTORY_ROOM: steady(1.1e9), HISTORY_DISK: steady(1e10)},
            {HISTORY_ROOM: "5e9x87 9e8x3", HISTORY_DISK: steady(1e10)},
        ),
    ),
    "DeskhandStoreRewriting": Case(
        {"deskhand_store_rewriting": steady(1)}, ({"deskhand_store_rewriting": "0x70 1x20"},)
    ),
    "DeskhandReplicaLost": Case({REPLICAS: "2x60 1x30"}, ({REPLICAS: steady(0)}, {REPLICAS: "1x60 2x30"})),
    "DeskhandReplicaBehind": Case({LAG: steady(2e8)}, ({LAG: steady(1e6)},)),
    "DeskhandStoreSilent": Case({"deskhand_store_answers": steady(0)}, ({"deskhand_store_answers": "1x88 0 1"},)),
}
