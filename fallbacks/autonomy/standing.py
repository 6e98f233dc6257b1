"""Earned autonomy, the bookkeeping: which kind of which version has earned what, folded from people's decisions.

The evidence is the list of examples and nothing else, so reading it again gives the same standings. A kind is a value
of the process's key: triage's labels. A text on which people agreed before is no evidence again; a disagreement
always is, which errs on the side of asking people.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import inf
from random import SystemRandom
from time import monotonic
from typing import Any

from fallbacks.autonomy.carried import Carried, read_carried
from fallbacks.autonomy.noise import Noise, corrected, read_noise
from fallbacks.autonomy.proof import Observation, Rule, Standing, needed, observed, without
from fallbacks.autonomy.repeats import Repeats, Seen
from fallbacks.autonomy.revoked import Revocation, Revoked, as_revoked, read_revoked, write_revoked
from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import History
from fallbacks.ledger.limits.control import EARNED, Control
from fallbacks.ledger.past.examples import Example, Examples, Folded
from fallbacks.ledger.past.kept_fold import KeptFold
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.language import _
from tasks.run.process import Process

MAY_BE_OLD_SECONDS = 5.0
"""Where the agent may not act anyway, a standing this old will do: two trips to the store less for each ticket."""

BLIND_FROM = 20
"""Before a kind has this much evidence nothing is hidden from people: it is far from any right."""


_DICE = SystemRandom()


@dataclass(frozen=True, slots=True)
class Key:
    """What autonomy is earned for. version: of model, prompt, taxonomy and threshold; another one begins anew."""

    kind: str
    tier: str
    version: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How much must be proved.

    rule: the statistics. audit_share: the part of a kind's tickets that a person decides without seeing the
    suggestion, for ever.
    """

    rule: Rule = field(default_factory=Rule)
    audit_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the agent may decide now. auto: yes. blind: a person must, without seeing it. why: in words."""

    auto: bool
    blind: bool
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the evidence. state: "auto" or "suggest". since_ms: of the last change, 0 for none.

    repeats: agreements on texts already agreed on, which are not among `n`. carried: of `n`, what an earlier version
    earned where this one answers the same. target: the agreement that must be proved to be exceeded.
    """

    kind: str
    tier: str
    version: str
    state: str
    n: int
    agreements: int
    blind_n: int
    blind_agreements: int
    repeats: int
    carried: int
    target: float
    e_value: float
    e_needed: float
    alarm: float
    since_ms: int
    why: str


FORM = 1
"""Raise it whenever the same decisions come to give other standings: what was kept is folded anew then."""

Standings = dict[Key, Standing]


@dataclass(frozen=True, slots=True)
class Earned:
    """What examples have come to so far. repeats: which of their texts agreed before."""

    standings: Standings = field(default_factory=dict)
    repeats: Repeats = field(default_factory=lambda: Repeats(Seen()))


NOTHING = Earned()


def write_earned(earned: Earned) -> object:
    """As JSON values."""
    seen, found = earned.repeats.seen(), earned.standings.items()
    standings = [[key.kind, key.tier, key.version, asdict(standing)] for key, standing in found]
    return [standings, list(seen.last.items()), seen.count]


def read_earned(kept: Any) -> Earned:
    """What `write_earned` made."""
    standings, last, count = kept
    found = {
        Key(kind, tier, version): Standing(**(given | {"alarms": tuple(given["alarms"])}))
        for kind, tier, version, given in standings
    }
    return Earned(found, Repeats(Seen(dict(last), count)))


def replay(
    examples: Iterable[Example],
    process: Process,
    rule: Rule,
    before: Earned = NOTHING,
    carried: Collection[Carried] = (),
    bars: Mapping[str, Rule] | None = None,
    revoked: Revoked | None = None,
) -> Earned:
    """The standings after examples, oldest first. Pure: the same list gives the same standings.

    carried: what versions take over from those before them. bars: of kinds whose rule is another, by people's slips.
    revoked: of kinds that people took their autonomy from.
    """
    bars, revoked = bars or {}, revoked or {}
    standings, repeats = dict(before.standings), Repeats(before.repeats.seen())
    for example in examples:
        if not example.agent:  # a hand-off, or older than this evidence
            continue
        own = Key(process.key(example.agent), example.agent["tier"], example.agent["version"])
        observation = observe(example, process)
        for version in (own.version, *(each.version for each in carried if each.takes(example))):
            key = own if version == own.version else replace(own, version=version)
            standing = as_revoked(standings.get(key, Standing()), revoked.get(key.kind, ()), example.at_ms)
            if example.earlier is not None:
                standing = without(standing, observe(replace(example, facets=example.earlier), process))
            plain = observation.agreed and not observation.severe and example.earlier is None
            if plain and repeats.again("\n".join((key.kind, key.tier, key.version)), example.fingerprint):
                standings[key] = replace(standing, repeats=standing.repeats + 1)
            else:
                now = observed(standing, observation, bars.get(key.kind, rule))
                standings[key] = now if key == own else replace(now, carried=min(now.n, now.carried + 1))
    return Earned(standings, repeats)


def observe(example: Example, process: Process) -> Observation:
    """Read one example against the agent's own suggestion in it. What was closed agrees with no decision."""
    suggested, closed = example.agent or {}, bool(example.closed)
    return Observation(
        agreed=not closed and process.agrees(suggested, example.facets),
        severe=not closed and process.severe(suggested, example.facets),
        blind=bool(suggested.get("blind")),
        at_ms=example.at_ms,
    )


class AutonomyJudge:
    """Judges decisions. dice: 0..1, anew at each call; nobody outside can foresee which ticket is audited.

    history: where people's older decisions are. While it cannot be asked nothing more is decided alone. reads: how this
    process reads an example, in words that say so whole; what is earned is kept for others that read the same. "": it
    is kept for nobody.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        terms: Terms,
        dice: Callable[[], float] = _DICE.random,
        history: History | None = None,
        reads: str = "",
    ) -> None:
        self.terms = terms
        self._reads = reads
        self._dice = dice
        self._store = store
        self._history = history
        self._process = process
        self._carried: tuple[Carried, ...] = ()
        self._bars: dict[str, Rule] = {}
        self._revoked: dict[str, list[Revocation]] = {}
        self._looked_at = -inf
        self.noise: dict[str, Noise] = {}
        """How people judged probes, by kind; known after the first look at the standings."""
        self._earned = self._folded()
        self._seen: Standings = {}
        self._seen_at = -inf

    async def judge(self, key: Key, *, may_act: bool) -> Judgement:
        """What is to be done with a validated decision. may_act: whether AUTONOMY is `auto` now."""
        try:
            standings = await self.standings(MAY_BE_OLD_SECONDS if not may_act else 0.0)
        except HistoryUnreachable as error:
            return Judgement(auto=False, blind=False, why=f"people's decisions cannot be read now: {error}")
        standing = standings.get(key, Standing())
        audited = standing.n >= BLIND_FROM or standing.auto
        blind = audited and self._dice() < self.terms.audit_share
        if not (may_act and standing.auto):
            return Judgement(auto=False, blind=blind, why=_not_yet(standing, self.rule_of(key.kind)))
        if blind:
            return Judgement(auto=False, blind=True, why="drawn for the permanent audit of what is decided alone")
        return Judgement(auto=True, blind=False, why=f"{key.kind} on {key.tier} has earned it: {standing.why}")

    async def standings(self, age_seconds: float = 0.0) -> Standings:
        """Where everything stands now, undone decisions left out. age_seconds: how old the answer may be."""
        if monotonic() - self._seen_at < age_seconds:
            return self._seen
        await self._look()
        found, revoked = (await self._earned.now()).standings, self._revoked
        self._seen = {key: as_revoked(each, revoked.get(key.kind, ()), inf) for key, each in found.items()}
        self._seen_at = monotonic()
        return self._seen

    async def revoke(self, kind: str, by: str, why: str) -> None:
        """People decide this kind from now on, until it has earned it again. Raises `ValueError` where they do."""
        if not any(key.kind == kind and each.auto for key, each in (await self.standings()).items()):
            raise ValueError(_("%(kind)s is not decided alone: there is nothing to revoke", kind=repr(kind)))
        if not why.strip():
            raise ValueError(_("say why it is revoked"))
        await write_revoked(self._store, kind, Revocation(await self._store.now_ms(), by, why.strip()[:500]))
        self._seen_at = -inf
        await Control(self._store).changed(
            by, f"{EARNED}{kind}", f"{kind} is revoked, and not decided alone: {why[:500]}"
        )

    def rule_of(self, kind: str) -> Rule:
        """What a kind must prove."""
        return self._bars.get(kind, self.terms.rule)

    async def _look(self) -> None:
        """Where a version was promoted, people's slips are known better or a kind was revoked, all is folded from the
        start: seldom. What was revoked is looked at each time: nothing more is decided alone then.
        """
        carried, bars, revoked = self._carried, self._bars, await read_revoked(self._store)
        if monotonic() - self._looked_at >= MAY_BE_OLD_SECONDS:
            carried, bars, self._looked_at = await read_carried(self._store), await self._read_bars(), monotonic()
        if (carried, bars, revoked) != (self._carried, self._bars, self._revoked):
            self._carried, self._bars, self._revoked = carried, bars, revoked
            self._earned = self._folded()

    async def _read_bars(self) -> dict[str, Rule]:
        self.noise = read_noise(await self._store.fields(keys.COUNTERS))
        rules = {kind: corrected(self.terms.rule, noise) for kind, noise in self.noise.items()}
        return {kind: rule for kind, rule in rules.items() if rule != self.terms.rule}

    def _folded(self) -> Folded[Earned]:
        process, rule, carried, bars, revoked = (
            self._process,
            self.terms.rule,
            self._carried,
            self._bars,
            self._revoked,
        )
        examples = Examples(self._store, process, self._history)
        taken = [(each.tier, each.version, sorted(each.of), sorted(each.but)) for each in carried]
        of = repr((FORM, self._reads, rule, taken, sorted(bars.items()), sorted(revoked.items())))
        kept = KeptFold(self._store, "earned", of, write_earned, read_earned) if self._reads else None
        return Folded(
            examples, NOTHING, lambda before, new: replay(new, process, rule, before, carried, bars, revoked), kept
        )

    async def rows(self, versions: Mapping[str, Collection[str]] | None = None) -> list[Row]:
        """Every kind with evidence, by tier and kind. versions: tier -> those in force; None: all there were."""
        found = await self.standings()
        kept = [key for key in found if versions is None or key.version in versions.get(key.tier, ())]
        ordered = sorted(kept, key=lambda key: (key.tier, key.kind, key.version))
        return [_row(key, found[key], self.rule_of(key.kind)) for key in ordered]


def _not_yet(standing: Standing, rule: Rule) -> str:
    if standing.auto:
        return "it has earned autonomy, but AUTONOMY is not auto"
    e, least = standing.e_value(rule), needed(standing, rule)
    again = f", {standing.repeats} repeated texts not counted" if standing.repeats else ""
    return f"{standing.agreements} of {standing.n} agreed so far: e-value {e:.2g} of {least:.0f}{again}"


def _row(key: Key, standing: Standing, rule: Rule) -> Row:
    return Row(
        kind=key.kind,
        tier=key.tier,
        version=key.version,
        state="auto" if standing.auto else "suggest",
        n=standing.n,
        agreements=standing.agreements,
        blind_n=standing.blind_n,
        blind_agreements=standing.blind_agreements,
        repeats=standing.repeats,
        carried=standing.carried,
        target=rule.target,
        e_value=standing.e_value(rule),
        e_needed=needed(standing, rule),
        alarm=standing.alarm,
        since_ms=standing.since_ms,
        why=standing.why,
    )
