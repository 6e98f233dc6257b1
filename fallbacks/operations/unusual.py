"""What is unusual now against the last day, worst first. Pure: one look in, findings out.

`deskhand why` and the console's overview both print this. Each check is one function of the look.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from fallbacks.operations import unusual_flow, unusual_outcomes, unusual_runs
from fallbacks.operations.finding import Finding
from fallbacks.operations.look import Look
from fallbacks.plan import Severity
from tasks.language import _

Check = Callable[[Look], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (*unusual_flow.CHECKS, *unusual_runs.CHECKS, *unusual_outcomes.CHECKS)

RANKS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def unusual(look: Look) -> list[Finding]:
    """Everything that stands out; nothing where all is as it was."""
    found = [finding for check in CHECKS for finding in check(look)]
    return sorted(_with_their_deploy(found, look), key=lambda finding: (RANKS[finding.severity], -finding.weight))


def _with_their_deploy(found: list[Finding], look: Look) -> list[Finding]:
    """What a deploy can cause names the one that came shortly before; the deploy is a finding of its own only then."""
    if not any(finding.name in unusual_runs.OF_A_DEPLOY for finding in found):
        return found
    deploys = list(unusual_runs.deploys(look))
    if not deploys:
        return found
    said = _("shortly after %(what)s", what=deploys[0].what)
    causes = [
        replace(finding, advice=f"{finding.advice} {said}".strip())
        if finding.name in unusual_runs.OF_A_DEPLOY
        else finding
        for finding in found
    ]
    return [*causes, *deploys]
