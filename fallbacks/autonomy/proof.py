"""Earned autonomy, the statistics: when a kind of decision may be made alone, and when that right ends. Pure.

Promotion is an anytime-valid test: a beta mixture of likelihood ratios is a supermartingale while the true agreement
is at or below the target, so by Ville's inequality it ever reaches 1 / error with at most that probability, however
often anybody looks. Demotion is a Shiryaev-Roberts e-detector (Shin, Ramdas & Rinaldo 2023): while the agreement is
at the target or above, its false alarms are on average at least `alarm_from` observations apart.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, inf, log

_GRID = 32
_SKEW = 1.0
"""The mixture is Beta(1 + _SKEW, 1) over what lies above the target: more weight near 1 costs no validity and saves
evidence. Of seven priors tried by exact calculation it needs the fewest at a true agreement of 0.99 and 0.995."""

_FALLEN_TO = (0.5, 0.8, 0.9, 0.95)
"""The agreements that the detector looks for, as shares of the target."""

MOST_DOUBLINGS = 6


OUT_OF_SIGHT = 100_000
"""Nobody waits for so many decisions of one kind."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind must prove.

    target: agreement with people that must be exceeded, 0..1. error: probability of promoting a kind that does not
    exceed it. alarm_from: observations between two false alarms of a kind that is just good enough; fewer demote
    faster.
    """

    target: float = 0.98
    error: float = 0.05
    alarm_from: float = 100.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One decision of a person beside the agent's own.

    severe: a disagreement nobody can afford twice. blind: the person did not see the suggestion. at_ms: store time.
    """

    agreed: bool
    severe: bool = False
    blind: bool = False
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one kind of one version of one tier stands.

    auto: it may be decided alone. since_ms: store time of the last promotion or demotion, 0 for none.
    n, agreements: the evidence of the present proof, restarted by every demotion. blind_n, blind_agreements: the part
    that people gave without seeing the suggestion. repeats: agreements left out of both, of texts agreed on before.
    carried: of `n`, what an earlier version earned and this one answers the same.
    alarms: the detector, one number per fallen agreement. promotions: how often it was promoted; each further proof
    must be twice as strong. why: the last change, in words. revoked_ms: when a person last took it all back.
    """

    auto: bool = False
    since_ms: int = 0
    n: int = 0
    agreements: int = 0
    blind_n: int = 0
    blind_agreements: int = 0
    repeats: int = 0
    carried: int = 0
    alarms: tuple[float, ...] = (0.0,) * len(_FALLEN_TO)
    promotions: int = 0
    why: str = ""
    revoked_ms: int = 0

    @property
    def alarm(self) -> float:
        """The detector's value."""
        return sum(self.alarms) / len(self.alarms)

    def e_value(self, rule: Rule) -> float:
        """The evidence that the agreement exceeds the target; 1 says nothing, 20 excludes chance at 5 %."""
        return e_value(self.agreements, self.n - self.agreements, rule.target)


def e_value(agreements: int, disagreements: int, target: float) -> float:
    """The wealth of a gambler who bet on an agreement above `target`, having started with 1."""
    if disagreements:
        logs = [weight + agreements * gain + disagreements * loss for weight, gain, loss in _bets(target)]
    else:
        logs = [weight + agreements * gain for weight, gain, _ in _bets(target)]
    top = max(logs)
    grown = top + log(sum([exp(value - top) for value in logs]))
    return exp(grown) if grown < 700 else inf


def needed(standing: Standing, rule: Rule) -> float:
    """The e-value at which a kind is promoted. Doubling it each time keeps all promotions within twice `error`."""
    return 2.0 ** min(standing.promotions, MOST_DOUBLINGS) / rule.error


def still_to_agree(agreements: int, disagreements: int, target: float, wanted: float) -> int | None:
    """How many more decisions in a row must agree until the e-value is as wanted; None where that is out of sight."""
    if e_value(agreements, disagreements, target) >= wanted:
        return 0
    low, high = 0, 1
    while e_value(agreements + high, disagreements, target) < wanted:
        low, high = high, high * 2
        if high > OUT_OF_SIGHT:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = e_value(agreements + middle, disagreements, target) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high


def observed(standing: Standing, observation: Observation, rule: Rule) -> Standing:
    """The standing after one more decision of a person."""
    counted = replace(
        standing,
        n=standing.n + 1,
        agreements=standing.agreements + observation.agreed,
        blind_n=standing.blind_n + observation.blind,
        blind_agreements=standing.blind_agreements + (observation.blind and observation.agreed),
        alarms=_alarmed(standing, observation, rule),
    )
    if observation.severe:
        return _restarted(counted, observation, rule, "a severe error")
    if counted.alarm >= rule.alarm_from:
        what = "people stopped agreeing" if counted.auto else "people who did not see the suggestion disagreed"
        return _restarted(counted, observation, rule, what)
    if not counted.auto and counted.e_value(rule) >= needed(counted, rule):
        return _promoted(counted, observation, rule)
    return counted


def without(standing: Standing, observation: Observation) -> Standing:
    """The standing without a decision that was corrected, as far as it still counts: a restart has forgotten it."""
    if standing.n == 0:
        return standing
    n, agreed = standing.n - 1, min(standing.n - 1, standing.agreements - observation.agreed)
    blind_n = max(0, standing.blind_n - observation.blind)
    blind_agreed = standing.blind_agreements - (observation.blind and observation.agreed)
    return replace(
        standing, n=n, agreements=max(0, agreed), blind_n=blind_n, blind_agreements=max(0, min(blind_n, blind_agreed))
    )


def _alarmed(standing: Standing, observation: Observation, rule: Rule) -> tuple[float, ...]:
    """An automatic kind is watched on everything people see of it; before that, on what they decided blind."""
    if not (standing.auto or observation.blind):
        return standing.alarms
    return tuple(
        (1 + value) * _ratio(observation.agreed, share * rule.target, rule.target)
        for value, share in zip(standing.alarms, _FALLEN_TO, strict=True)
    )


def _ratio(agreed: bool, fallen: float, target: float) -> float:
    return fallen / target if agreed else (1 - fallen) / (1 - target)


def _promoted(standing: Standing, observation: Observation, rule: Rule) -> Standing:
    why = (
        f"{standing.agreements} of {standing.n} agreed: e-value {standing.e_value(rule):.1f}, "
        f"{needed(standing, rule):.0f} needed for more than {rule.target:.1%} at {rule.error:.0%} error"
    )
    return replace(
        standing,
        auto=True,
        since_ms=observation.at_ms,
        alarms=(0.0,) * len(_FALLEN_TO),
        promotions=standing.promotions + 1,
        why=why,
    )


def _restarted(standing: Standing, observation: Observation, rule: Rule, what: str) -> Standing:
    """Lose the right and the wealth. A gambler who has lost already is not given new money: the counts stay."""
    quiet = replace(standing, alarms=(0.0,) * len(_FALLEN_TO))
    if not standing.auto and standing.e_value(rule) <= 1:
        return quiet
    verb = "demoted" if standing.auto else "began anew"
    why = f"{verb}: {what}, {standing.agreements} of {standing.n} agreed"
    fresh = replace(quiet, auto=False, n=0, agreements=0, blind_n=0, blind_agreements=0, repeats=0, carried=0, why=why)
    return replace(fresh, since_ms=observation.at_ms) if standing.auto else fresh


@lru_cache(maxsize=8)
def _bets(target: float) -> tuple[tuple[float, float, float], ...]:
    """Logarithms for each alternative above the target: (its weight, ratio of an agreement, of a disagreement)."""
    places = [(step + 0.5) / _GRID for step in range(_GRID)]
    total = sum(place**_SKEW for place in places)
    alternatives = [(place**_SKEW / total, target + (1 - target) * place) for place in places]
    return tuple((log(weight), log(q / target), log((1 - q) / (1 - target))) for weight, q in alternatives)
