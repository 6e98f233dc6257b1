"""How much people's own slips hide of an agent's precision, and which agreement shows it all the same. Pure.

A person who is shown a right suggestion changes it with some probability (a slip), and one who is shown a wrong one
lets it pass with another. So agreement = precision x (1 - slips) + (1 - precision) x passed (Rogan & Gladen 1978,
"Estimating prevalence from the results of a screening test"). Both are measured, for each kind by itself, on probes:
copies of decided tickets, half with the suggestion that a person had approved, half with a plain mistake.

A copy that was changed may have been approved wrongly the first time; so the slips follow from what is changed only
together with the precision. The agreement that no kind with at most the target's precision exceeds is the largest over
all that the measured bounds allow: a kind that exceeds it is better than the target. The bounds hold at all times at
once (Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences"), and their errors are taken
from the error of the whole. It is assumed that the second person errs independently of the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, floor, lgamma, log, log1p

from fallbacks.autonomy.proof import Rule

_BOUND_SHARE = 0.1
"""Of the error, what each of the two bounds may use."""

_STEP, _FINE, _COARSE = 0.001, 0.0005, 0.01
"""What the agreement and the two bounds are rounded to, towards more proof: few others are ever reckoned."""

_PRECISIONS = 50
_PASSED = 10

SAME, CHANGED, CAUGHT, MISSED = "same", "changed", "caught", "missed"
_PREFIX = "judged"


def counter(verdict: str, kind: str) -> str:
    """The counter of what became of a probe. kind: of what was suggested."""
    return f"{_PREFIX}:{verdict}:{kind}"


@dataclass(frozen=True, slots=True)
class Noise:
    """What became of probes. same, changed: of the suggestions that a person had approved before. caught, missed: of
    the wrong ones.
    """

    same: int = 0
    changed: int = 0
    caught: int = 0
    missed: int = 0

    @property
    def twice(self) -> int:
        """Suggestions that two people were shown."""
        return self.same + self.changed

    def changed_at_least(self, error: float) -> float:
        """The share that is changed the second time, from below."""
        return at_least(self.changed, self.same, error)

    def missed_at_most(self, error: float) -> float:
        """The share of wrong suggestions that pass, from above."""
        return 1 - at_least(self.caught, self.missed, error)


def read_noise(counters: Mapping[str, str]) -> dict[str, Noise]:
    """By kind. counters: the ledger's."""
    found = dict[str, Noise]()
    for name, count in counters.items():
        prefix, _, rest = name.partition(":")
        verdict, _, kind = rest.partition(":")
        if prefix == _PREFIX:
            found[kind] = replace(found.get(kind, Noise()), **{verdict: int(count)})
    return found


def together(noises: Mapping[str, Noise]) -> Noise:
    """Of all kinds."""
    each = noises.values()
    return Noise(*(sum(getattr(one, name) for one in each) for name in (SAME, CHANGED, CAUGHT, MISSED)))


def corrected(rule: Rule, noise: Noise) -> Rule:
    """What a kind must prove where people are known; the rule itself where they are too little known.

    Less agreement is enough where they surely slip, and more is needed where they surely let mistakes pass.
    """
    error = _BOUND_SHARE * rule.error
    changed, missed = noise.changed_at_least(error), noise.missed_at_most(error)
    bar = shown_by(rule.target, floor(changed / _FINE) * _FINE, ceil(missed / _COARSE) * _COARSE)
    if bar < rule.target:
        return replace(rule, target=bar, error=rule.error - 2 * error)
    passed = (1 - rule.target) * at_least(noise.missed, noise.caught, error)
    return replace(rule, target=rule.target + floor(passed / _STEP) * _STEP) if passed >= _STEP else rule


@lru_cache(maxsize=1024)
def shown_by(target: float, changed: float, missed: float) -> float:
    """The agreement above which a kind is right more often than the target, rounded up; 1 where none shows it.

    changed: at least this share is changed the second time. missed: at most this share of wrong suggestions passes.
    """
    largest = max(
        _agreement(target * part / _PRECISIONS, missed * passed / _PASSED, changed)
        for part in range(_PRECISIONS + 1)
        for passed in range(_PASSED + 1)
    )
    return min(1.0, ceil(largest / _STEP) * _STEP)


def _agreement(precision: float, passed: float, changed: float) -> float:
    """The most that people agree at a precision, where at least `changed` of what was agreed on is changed again; 0
    where that is impossible. Fewer slips are more agreement and fewer changes, so the fewest slips are looked for.
    """
    wrong = (1 - precision) * passed

    def share(slips: float) -> float:
        right = precision * (1 - slips)
        return (right * slips + wrong * (1 - passed)) / (right + wrong) if right + wrong else 0.0

    low, high = 0.0, 0.5
    if share(high) < changed:
        return wrong + precision * (1 - high) if wrong else 0.0
    if share(low) < changed:
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if share(middle) < changed else (low, middle)
    return precision * (1 - low) + wrong


def at_least(hits: int, misses: int, error: float) -> float:
    """A lower bound of a share that holds at all times at once but with probability `error`: the least share against
    which a gambler with the prior Beta(1/2, 1/2) has not won 1 / error (Robbins 1970).
    """
    if not hits:
        return 0.0
    mixture = _log_beta(hits + 0.5, misses + 0.5) - _log_beta(0.5, 0.5)

    def won(share: float) -> bool:
        return mixture - hits * log(share) - misses * log1p(-share) >= log(1 / error)

    low, high = 0.0, hits / (hits + misses)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if won(middle) else (low, middle)
    return low


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def said(rule: Rule, noise: Noise) -> str:
    """What people's slips mean for a target, in words; "" where too few suggestions were judged twice to say any."""
    error = _BOUND_SHARE * rule.error
    changed = noise.changed_at_least(error)
    if not changed:
        return ""
    share = noise.changed / noise.twice
    seen = (
        f"people changed {noise.changed} of {noise.twice} suggestions that had been approved before "
        f"({share:.1%}, at least {changed:.1%})"
    )
    if 1 - share > rule.target:
        return f"{seen}: what is always right is agreed on in {1 - share:.1%}"
    shown = corrected(rule, noise)
    count = decisions_needed(shown, 1 - share)
    surely = "" if 1 - changed <= rule.target else "as it looks, "
    plainly = f"{seen}: {surely}no agreement above {rule.target:.0%} can be seen, however right the agent is"
    if count is None:
        return f"{plainly}; lower DESKHAND_AUTONOMY_TARGET, or correct people's slips (`deskhand correct`)"
    return f"{plainly}; {shown.target:.1%} shows it, by some {count:,} decisions of one kind that is always right"


def decisions_needed(rule: Rule, agreement: float) -> int | None:
    """About how many decisions prove a kind that people agree with so often; None where they never do."""
    target = rule.target
    if agreement <= target:
        return None
    lost = (1 - agreement) * log((1 - agreement) / (1 - target)) if agreement < 1 else 0.0
    return ceil(log(2 / rule.error) / (agreement * log(agreement / target) + lost))
