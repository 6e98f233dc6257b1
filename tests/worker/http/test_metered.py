"""`/metrics`: counters and histograms of runs, calls, tools and waits, as Prometheus reads them."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from tasks.reasons import Reason
from tests.worker.http.served import Served

MODEL = "claude-haiku-5-5"


def scraped(client: httpx.Client) -> dict[str, float]:
    """Samples by their Prometheus text."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {
        each.name + "".join(f",{label}={value}" for label, value in sorted(each.labels.items())): each.value
        for each in samples
    }


def test_runs_calls_and_waits_are_counted_from_the_ledger(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    web.ledger.failed("T-2", Reason.STEP_LIMIT, steps=3)
    held = api.post("/v1/inbox/next", json={}).json()
    assert held["id"] in {"T-1", "T-2"}
    numbers = scraped(web.client())
    assert numbers["deskhand_runs_total,outcome=suggested,reason="] == 1
    assert numbers["deskhand_runs_total,outcome=handed_off,reason=step_limit"] == 1
    assert numbers["deskhand_queue_wait_seconds_count"] == 2
    assert numbers["deskhand_run_duration_seconds_bucket,le=+Inf"] == 2
    assert numbers["deskhand_run_steps_count"] == 2
    assert numbers["deskhand_human_handle_seconds_count"] == 0
    assert numbers[f"deskhand_llm_requests_total,model={MODEL},outcome=ok"] == numbers["deskhand_run_steps_sum"] > 0
    assert numbers[f"deskhand_llm_tokens_total,direction=output,model={MODEL}"] > 0


def test_what_has_not_happened_yet_is_told_as_zero(web: Served) -> None:
    numbers = scraped(web.client())
    assert numbers["deskhand_runs_total,outcome=lost,reason="] == 0
    assert numbers["deskhand_budget_exhausted_total,budget=day"] == 0
    assert numbers["deskhand_human_leases_expired_total"] == 0
    assert numbers["deskhand_run_duration_seconds_count"] == 0


def test_figures_match_the_audits_and_the_days(web: Served) -> None:
    web.ledger.suggested("T-1")
    for number in range(3):
        web.ledger.failed(f"T-f{number}", Reason.STEP_LIMIT, steps=number + 1)
    report = web.ledger.do(lambda ledger: audit(ledger.store))
    assert report.balanced, report.problems
    numbers = scraped(web.client())
    dollars = sum(value for name, value in numbers.items() if name.startswith("deskhand_llm_cost_dollars_total"))
    assert dollars == pytest.approx(report.spent / 1e9)
    assert dollars == pytest.approx(numbers["deskhand_spend_today_dollars"])
    handed_off = sum(value for name, value in numbers.items() if name.startswith("deskhand_runs_total,outcome=handed"))
    assert handed_off == report.states[State.HANDED_OFF] == report.alerts_raised == 3
    assert numbers["deskhand_alerts_total,outcome=raised"] == 3
