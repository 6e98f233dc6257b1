"""The doctor's checks of the tiers' models: price, worst first call, context and threshold; and a call, where asked."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from fallbacks.plan import PLAN
from tasks.errors import ModelError, TasksError
from tasks.money import Nanodollars, format_usd
from tasks.run.limits import Limits
from tasks.run.messages import ModelRequest
from tasks.run.ports import Model
from tasks.safety.canary import new_canary
from tasks.ticket import MAX_BODY_CHARS, Ticket
from worker.config.errors import WorkerError
from worker.config.settings import LOCAL
from worker.models.genai_pricing import Price
from worker.models.makes import local_promise, prices_of
from worker.models.tier import Tier, close_models
from worker.ops.doctor import Check, failed, passed, warned
from worker.wiring import Parts

USUAL_CHARS = 4_000
"""A long everyday ticket with its context: if this call does not fit the cap, nearly none does."""

PROBE_TOKENS = 256
"""Of a probe's reply, thinking included."""


def prices(parts: Parts) -> list[Check]:
    """One check a remote tier; the models are built without the local one, which would be trained first."""
    remote = [name for name in parts.settings.tiers if name != LOCAL]
    return [guarded(f"price of {name}", _price_of_only_tier, _only(parts, name)) for name in remote]


def threshold(parts: Parts) -> Check:
    """What the local tier stands by."""
    name = "local threshold"
    if LOCAL not in parts.settings.tiers:
        return passed(name, "not used")
    promise = local_promise(parts.settings, parts.taxonomy)
    if promise.min_confidence is None:
        change = "`deskhand train` with more decisions of people; until then its suggestions go to the next tier"
        return warned(name, f"it stands by nothing: {promise.rests_on}", change)
    return passed(name, f"{promise.min_confidence:g}, {promise.rests_on}")


def _price_of_only_tier(parts: Parts) -> Check:
    return price(parts, parts.tiers[0])


def price(parts: Parts, tier: Tier) -> Check:
    """Whether a model's price is known, and a first call fits the run's cap."""
    name, cap = f"price of {tier.model.name}", parts.settings.limits.max_cost_nanodollars
    usual, largest = (tier.model.worst_case(_first_call(parts, chars)) for chars in (USUAL_CHARS, MAX_BODY_CHARS))
    found = (
        f"{_terms(prices_of(parts.settings).of(tier.model.name))}; hands on below confidence {tier.min_confidence:g}, "
        f"{tier.rests_on}; "
    )
    if not largest:
        return _free(name, parts.settings.limits, found)
    found += f"a first call costs at most {format_usd(usual)}, for {MAX_BODY_CHARS:,} characters {format_usd(largest)}"
    if cap is not None and usual > cap:
        return failed(name, found, f"raise DESKHAND_MAX_COST_USD ({format_usd(cap)}): no call would be made")
    if cap is not None and largest > cap:
        return warned(name, found, f"the longest tickets go to people under DESKHAND_MAX_COST_USD ({format_usd(cap)})")
    day = parts.settings.day_cap_nanodollars
    if day is not None and usual > day:
        return failed(name, found, f"raise DESKHAND_DAILY_BUDGET_USD ({format_usd(day)}): no call would be made")
    return passed(name, found)


def _free(name: str, limits: Limits, found: str) -> Check:
    """Money bounds nothing here."""
    bounds = {"MAX_STEPS": limits.max_steps, "MAX_TOKENS": limits.max_tokens, "MAX_SECONDS": limits.max_seconds}
    if set_ones := [setting for setting, most in bounds.items() if most is not None]:
        return passed(name, f"{found}its calls are free: {', '.join(set_ones)} bound a run")
    return failed(name, f"{found}its calls are free, and nothing bounds a run", "set DESKHAND_MAX_STEPS")


def _terms(price: Price) -> str:
    """What a million tokens cost, and how many fit."""
    band = price.bands[0]
    fresh, said = (format_usd(Nanodollars(rate)) for rate in (band.fresh, band.output))
    window = "unknown" if price.context is None else f"{price.context:,} tokens"
    whose = "DESKHAND_PRICES" if price.own else "the price list"
    more = f", dearer above {price.bands[1].above_tokens:,} tokens" if len(price.bands) > 1 else ""
    return f"{fresh} in and {said} out for a million tokens{more} ({whose}), context {window}"


async def probed(parts: Parts) -> list[Check]:
    """One check a remote tier: a small call, made for real."""
    return [await _probe(_only(parts, name), name) for name in parts.settings.tiers if name != LOCAL]


async def _probe(parts: Parts, model: str) -> Check:
    """Whether the model is there, takes the key and calls a tool."""
    name = f"probe of {model}"
    try:
        (tier,) = parts.tiers
    except WorkerError as error:
        return failed(name, str(error), "as it says")
    try:
        async with asyncio.timeout(parts.settings.call_seconds):
            return await _asked(name, tier.model, _small_call(parts))
    except TimeoutError:
        found = f"no reply within {parts.settings.call_seconds:g} s"
        return failed(name, found, "look at its server, or raise DESKHAND_CALL_SECONDS")
    except ModelError as error:
        return failed(name, f"{error.reason}: {error.detail}", PLAN[error.reason].advice)
    finally:
        await close_models([tier])


async def _asked(name: str, model: Model, request: ModelRequest) -> Check:
    model.worst_case(request)  # without a price no call is made
    began = time.perf_counter()
    reply = await model.call(request)
    used, seconds = reply.usage, time.perf_counter() - began
    tokens = f"{used.billed_input:,} tokens in and {used.output_tokens:,} out"
    found = f"{seconds:.1f} s, {tokens}, {format_usd(model.cost(used))}"
    if not reply.tool_calls:
        change = "it must call tools: take a model, or start its server, with tool calling"
        return warned(name, f"{found}; it answered without a tool call ({reply.raw_stop})", change)
    return passed(name, f"{found}; it calls tools")


def _first_call(parts: Parts, chars: int) -> ModelRequest:
    ticket = Ticket(id="doctor", source="doctor", subject="", body="x" * chars)
    agent = replace(parts.agent, canary=new_canary())
    message = {"role": "user", "content": [{"type": "text", "text": agent.process.opening(ticket, "", "")}]}
    return ModelRequest(
        call_id="doctor",
        ticket=ticket,
        system=agent.system,
        tools=agent.specs,
        messages=(message,),
        max_tokens=agent.max_tokens,
    )


def _small_call(parts: Parts) -> ModelRequest:
    words = f"This is a test. Call {parts.agent.process.terminal.name} with whatever you like."
    return replace(
        _first_call(parts, 1),
        system="You answer by tool calls.",
        tools=(parts.agent.process.terminal,),
        messages=({"role": "user", "content": [{"type": "text", "text": words}]},),
        max_tokens=PROBE_TOKENS,
    )


def _only(parts: Parts, name: str) -> Parts:
    """With this tier alone: the local one would be trained first."""
    return replace(parts, settings=parts.settings.model_copy(update={"models": (name,)}))


def guarded(name: str, check: Callable[[Parts], Check], parts: Parts) -> Check:
    """A check that breaks is a failed one."""
    try:
        return check(parts)
    except (WorkerError, TasksError, LookupError, OSError, ValueError) as error:
        return failed(name, str(error), "correct it as the message says")
