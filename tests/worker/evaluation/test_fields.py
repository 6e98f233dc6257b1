"""An evaluation counts each field of a taxonomy's own that labelled rows have, and promises nothing without them."""

import asyncio
from pathlib import Path
from typing import Any

from tasks.run.agent import Agent
from tasks.run.limits import Limits
from tasks.triage.fields import FieldType, OwnField
from tasks.triage.process import Triage
from tests.fakes.desk import TAXONOMY, submit
from tests.fakes.scripted_model import ScriptedModel, reply
from worker.evaluation.figures import Share, summarize
from worker.evaluation.html import html_report
from worker.evaluation.labelled import read_labelled
from worker.evaluation.run import Bench
from worker.models.tier import Tier

FIELDS = (
    OwnField(name="order", description="o", type=FieldType.TEXT, required=True),
    OwnField(name="amount", description="a", type=FieldType.NUMBER),
)
ROWS = """label,body,order,amount
duplicate_charge,you charged my card twice,A-7,12
duplicate_charge,it charged my card twice,A-8,
password_reset,they charged my card twice,,3
"""


def said(**fields: Any) -> Any:
    return reply(submit(fields=fields))


def test_fields_are_counted_against_the_columns_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS, "utf-8")
    model = ScriptedModel([said(order="A-7", amount=12), said(order="A-9"), said(amount=4)])
    agent = Agent(Triage(TAXONOMY.model_copy(update={"fields": FIELDS})), {})
    team_of = {label.name: label.team for label in TAXONOMY.labels}
    bench = Bench(agent, (Tier(model, 0.6),), Limits(max_cost_nanodollars=None), team_of, fields=FIELDS)
    answers = asyncio.run(bench.answers(read_labelled(file), at_once=1))[model.name]
    found = summarize(model.name, answers)
    assert found.fields_right == {"order": Share(2, 3), "amount": Share(2, 3)}
    assert [answer.reason for answer in answers] == ["", "", "low_confidence"]
    assert [answer.may_stand for answer in answers] == [True, True, False]  # no threshold makes up for an order
    assert "right order" in html_report("t", "n", [found], None)
