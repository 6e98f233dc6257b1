"""What the agent leaves behind, written through the ledger as a worker would: suggestions and hand-offs."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from fallbacks.ledger.ledger import Claim, Conclusion, Ledger
from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority, Ticket
from tasks.triage.taxonomy import Taxonomy

MODEL = "claude-haiku-5-5"
WORST, COST = 9_400_000, 1_830_000


@dataclass(frozen=True, slots=True)
class Agent:
    """Works tickets without a model. Each method returns the ticket's id."""

    ledger: Ledger
    taxonomy: Taxonomy

    async def suggest(self, ticket: Ticket, label: str, confidence: float = 0.91, evidence: str = "") -> str:
        """A ticket with a validated decision that waits for a person."""
        return await self.suggested(await self.claimed(ticket), label, confidence, evidence)

    async def suggested(self, claim: Claim, label: str, confidence: float = 0.91, evidence: str = "") -> str:
        """The same for a ticket that it has claimed."""
        decision = self.decision(claim.ticket, label, confidence, evidence)
        await self.step(claim, 1, "lookup_customer")
        await self.step(claim, 2, "submit_decision")
        submitted = ev.DecisionSubmitted(2, decision)
        proposal = {"label": label, "team": decision["team"], "tier": MODEL, "version": "v1", "blind": False}
        priority = Priority(decision["priority"])
        await self.ledger.suggest(claim.lease, Conclusion((submitted,), decision, priority, unaided=proposal))
        return claim.lease.ticket_id

    async def hand_off(
        self, ticket: Ticket, reason: Reason, detail: str, *, steps: int = 3, label: str | None = None
    ) -> str:
        """A ticket whose run could not finish. label: of a draft decision."""
        return await self.handed_off(await self.claimed(ticket), reason, detail, steps=steps, label=label)

    async def handed_off(
        self, claim: Claim, reason: Reason, detail: str, *, steps: int = 1, label: str | None = None
    ) -> str:
        """The same for a ticket that it has claimed."""
        ticket, row = claim.ticket, PLAN[reason]
        for step in range(1, steps + 1):
            await self.step(claim, step, "find_similar_tickets" if step < steps else "")
        decision = self.decision(ticket, label, 0.44, "") if label else None
        stopped: list[ev.Event] = [ev.DecisionSubmitted(steps, decision)] if decision else []
        stopped.append(ev.RunStopped(steps, reason.value, detail))
        conclusion = Conclusion(stopped, decision, ticket.priority or Priority.NORMAL)
        await self.ledger.hand_off(claim.lease, conclusion, reason, detail, row.queue, row.severity)
        return claim.lease.ticket_id

    async def reject(self, ticket_id: str, raw: str, error: str) -> str:
        """A message that could not be read as a ticket."""
        body = base64.b64encode(raw.encode("utf-8", "surrogatepass")).decode()
        await self.ledger.reject(ticket_id, body, error, "tasks.triage")
        return ticket_id

    async def claimed(self, ticket: Ticket) -> Claim:
        accepted = await self.ledger.accept(ticket, Limits())
        claim = await self.ledger.claim(accepted.id, "worker-1")
        assert isinstance(claim, Claim), claim
        return claim

    async def step(self, claim: Claim, step: int, tool: str) -> None:
        """One model call, with the prefetch before the first and a tool call after it where `tool` is one."""
        call_id = f"call-{step}"
        before: list[ev.Event] = []
        if step == 1:
            before = [
                ev.ContextFetched(json.dumps(self.context(claim.ticket)), "ok", 0.041),
                ev.ConversationStarted(0, MODEL, "p-1", self.taxonomy.version, "..."),
            ]
        started = ev.StepStarted(step, call_id, MODEL, WORST)
        await self.ledger.begin_step(claim.lease, started, before, run_cap=None, day_cap=None)
        block = {"type": "tool_use", "id": f"tu-{step}", "name": tool, "input": {}}
        content = (block,) if tool else ({"type": "text", "text": "I am not certain which label fits best."},)
        replied = ev.ModelReplied(step, call_id, content, "tool_use", 812, 164, 0, 2304, COST, 1.24)
        done: list[ev.Event] = [replied]
        if tool and tool != "submit_decision":
            done.append(ev.ToolFinished(step, f"tu-{step}", tool, {}, '{"known": true}', "ok", 0.012))
        await self.ledger.end_step(claim.lease, call_id, COST, done, model=MODEL, health="well")

    def decision(self, ticket: Ticket, label: str, confidence: float, evidence: str) -> dict[str, Any]:
        known = self.taxonomy.by_name[label]
        quote = evidence or ticket.body.split(".")[0][:120] or ticket.subject
        return {
            "label": label,
            "team": known.team,
            "priority": (ticket.priority or known.priority).value,
            "summary": f"The customer asks about: {known.description[0].lower()}{known.description[1:]}",
            "rationale": f"The wording matches “{label.replace('_', ' ')}” and no other label fits as well.",
            "evidence": [quote],
            "confidence": confidence,
            "decided_by": "agent",
            "tier": MODEL,
        }

    def context(self, ticket: Ticket) -> dict[str, Any]:
        """What the prefetch finds; one similar ticket quotes this one, so hostile text comes back through it."""
        near = [label for label in self.taxonomy.labels if label.examples][:3]
        similar = [{"text": label.examples[0], "label": label.name, "team": label.team} for label in near]
        return {
            "customer": {"tier": "premium", "country": "DE", "since": "2021-04", "flags": ["open dispute"]},
            "similar_tickets": [*similar, {"text": ticket.body[:200], "label": near[0].name, "team": near[0].team}],
            "knowledge": [{"title": "How cards are delivered", "excerpt": "Cards take five to seven working days."}],
        }
