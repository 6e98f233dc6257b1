"""Earned autonomy, the bookkeeping: which label of which version has earned what, folded from people's decisions.

The evidence is the store's list `examples` and nothing else, so reading it again gives the same standings. What can
no longer be undone is folded once and kept; the youngest decisions are folded anew at every look. A text on which
people agreed before is no evidence again; a disagreement always is, which errs on the side of asking people.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import inf
from random import SystemRandom
from time import monotonic
from typing import Any

from fallbacks.autonomy.proof import Observation, Rule, Standing, needed, observed
from fallbacks.autonomy.repeats import Repeats, Seen
from fallbacks.store import keys
from fallbacks.store.port import Store

PAGE = 500

SETTLED_AFTER_MS = 120_000
"""A decision this old stays: its undo window is over, however slowly it was written."""

MAY_BE_OLD_SECONDS = 5.0
"""Where the agent may not act anyway, a standing this old will do: two trips to the store less for each ticket."""

BLIND_FROM = 20
"""Before a label has this much evidence nothing is hidden from people: it is far from any right."""


_DICE = SystemRandom()


@dataclass(frozen=True, slots=True)
class Key:
    """What autonomy is earned for. version: of model, prompt, taxonomy and threshold; another one begins anew."""

    label: str
    tier: str
    version: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as what.

    rule: the statistics. audit_share: the part of a label's tickets that a person decides without seeing the
    proposal, for ever. agree_on: "label" or "team". severe: teams that must not be missed ("fraud"), and pairs of
    labels that must not be confused ("proposed>decided").
    """

    rule: Rule = field(default_factory=Rule)
    audit_share: float = 0.05
    agree_on: str = "label"
    severe: frozenset[str] = frozenset()

    def observe(self, example: Mapping[str, Any]) -> Observation:
        """Read one example against the agent's own proposal in it."""
        agent = example["agent"]
        missed = example["team"] in self.severe and agent["team"] != example["team"]
        confused = f"{agent['label']}>{example['label']}" in self.severe
        return Observation(
            agreed=agent[self.agree_on] == example[self.agree_on],
            severe=missed or confused,
            blind=bool(agent.get("blind")),
            at_ms=int(example.get("at", 0)),
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the agent may decide now. auto: yes. blind: a person must, without seeing the proposal. why: in words."""

    auto: bool
    blind: bool
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the labels screen. state: "auto" or "suggest". since_ms: of the last change, 0 for none.

    repeats: agreements on texts already agreed on, which are not among `n`.
    """

    label: str
    tier: str
    version: str
    state: str
    n: int
    agreements: int
    blind_n: int
    blind_agreements: int
    repeats: int
    e_value: float
    e_needed: float
    alarm: float
    since_ms: int
    why: str


Standings = dict[Key, Standing]


@dataclass(frozen=True, slots=True)
class Folded:
    """What examples have come to so far, and the texts that agreed in them."""

    standings: Standings = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)


NOTHING = Folded()


def replay(examples: Iterable[str], terms: Terms, before: Folded = NOTHING) -> Folded:
    """The standings after stored examples, oldest first. Pure: the same list gives the same standings."""
    repeats = Repeats(before.seen)
    return Folded(_fold(examples, terms, before.standings, repeats), repeats.seen())


def _fold(examples: Iterable[str], terms: Terms, before: Standings, repeats: Repeats) -> Standings:
    standings = dict(before)
    for stored in examples:
        example = json.loads(stored)
        agent = example.get("agent")
        if not agent:  # a hand-off, or older than this evidence
            continue
        key = Key(agent["label"], agent["tier"], agent["version"])
        standing, observation = standings.get(key, Standing()), terms.observe(example)
        plain = observation.agreed and not observation.severe
        if plain and repeats.again("\n".join(asdict(key).values()), str(example.get("text") or "")):
            standings[key] = replace(standing, repeats=standing.repeats + 1)
        else:
            standings[key] = observed(standing, observation, terms.rule)
    return standings


class Autonomy:
    """Judges decisions. dice: 0..1, anew at each call; nobody outside can foresee which ticket is audited."""

    def __init__(self, store: Store, terms: Terms, dice: Callable[[], float] = _DICE.random) -> None:
        self.store = store
        self.terms = terms
        self._dice = dice
        self._folded = (0, NOTHING)
        self._seen: Standings = {}
        self._seen_at = -inf

    async def judge(self, key: Key, *, may_act: bool) -> Judgement:
        """What is to be done with a validated decision. may_act: whether AUTONOMY is `auto` now."""
        standing = (await self.standings(MAY_BE_OLD_SECONDS if not may_act else 0.0)).get(key, Standing())
        audited = standing.n >= BLIND_FROM or standing.auto
        blind = audited and self._dice() < self.terms.audit_share
        if not (may_act and standing.auto):
            return Judgement(auto=False, blind=blind, why=_not_yet(standing, self.terms.rule))
        if blind:
            return Judgement(auto=False, blind=True, why="drawn for the permanent audit of what is decided alone")
        return Judgement(auto=True, blind=False, why=f"{key.label} on {key.tier} has earned it: {standing.why}")

    async def standings(self, age_seconds: float = 0.0) -> Standings:
        """Where everything stands now, undone decisions left out. age_seconds: how old the answer may be."""
        if monotonic() - self._seen_at < age_seconds:
            return self._seen
        self._seen, self._seen_at = await self._look(), monotonic()
        return self._seen

    async def _look(self) -> Standings:
        horizon = await self.store.now_ms() - SETTLED_AFTER_MS
        place, folded = self._folded  # taken as one: other tasks look while this one waits for the store
        page = await self._page(place)
        while (settled := _settled_part(page, horizon)) == PAGE:
            place, folded = place + PAGE, replay(page, self.terms, folded)
            page = await self._page(place)
        if settled:
            place, folded = place + settled, replay(page[:settled], self.terms, folded)
        self._folded = (place, folded)
        young = page[settled:]
        while len(page) == PAGE:  # more young ones than a page holds
            page = await self._page(place + len(young))
            young += page
        return _fold(young, self.terms, folded.standings, Repeats(folded.seen))

    async def _page(self, start: int) -> list[str]:
        return await self.store.listed(keys.EXAMPLES, start, start + PAGE - 1)

    async def rows(self, versions: Mapping[str, str] | None = None) -> list[Row]:
        """Every label with evidence, by tier and label. versions: tier -> version in force; None: all there were."""
        found = await self.standings()
        kept = [key for key in found if versions is None or versions.get(key.tier) == key.version]
        ordered = sorted(kept, key=lambda key: (key.tier, key.label, key.version))
        return [_row(key, found[key], self.terms.rule) for key in ordered]


def _settled_part(page: Sequence[str], horizon_ms: int) -> int:
    """How many from the start are old enough to stay."""
    for index, stored in enumerate(page):
        if json.loads(stored).get("at", 0) > horizon_ms:
            return index
    return len(page)


def _not_yet(standing: Standing, rule: Rule) -> str:
    if standing.auto:
        return "its label has earned autonomy, but AUTONOMY is not auto"
    e, least = standing.e_value(rule), needed(standing, rule)
    again = f", {standing.repeats} repeated texts not counted" if standing.repeats else ""
    return f"{standing.agreements} of {standing.n} agreed so far: e-value {e:.2g} of {least:.0f}{again}"


def _row(key: Key, standing: Standing, rule: Rule) -> Row:
    return Row(
        label=key.label,
        tier=key.tier,
        version=key.version,
        state="auto" if standing.auto else "suggest",
        n=standing.n,
        agreements=standing.agreements,
        blind_n=standing.blind_n,
        blind_agreements=standing.blind_agreements,
        repeats=standing.repeats,
        e_value=standing.e_value(rule),
        e_needed=needed(standing, rule),
        alarm=standing.alarm,
        since_ms=standing.since_ms,
        why=standing.why,
    )
