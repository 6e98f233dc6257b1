"""`deskhand train` for tiers whose confidence is a claim: their thresholds proved anew, by people's decisions."""

from typing import TYPE_CHECKING

from worker.cli.context import run
from worker.cli.output import complain, dump

if TYPE_CHECKING:
    from worker.models.thresholds import Threshold
    from worker.wiring import Parts


def refit_claims(*, json: bool, alone: bool) -> None:
    """alone: nothing else is done, so this is the result."""
    found = run(_refitted)
    if json and alone:
        dump({"tiers": [{"tier": tier, "in_words": str(threshold)} for tier, threshold in found]})
        return
    for tier, threshold in found:
        complain(f"{tier}, by people's decisions on its suggestions: {threshold}")
    if alone and not found:
        complain("no tier's confidence is a claim: the local one proves its own threshold")


async def _refitted(parts: "Parts") -> "list[tuple[str, Threshold]]":
    from fallbacks.ledger.past.examples import read_all
    from worker.models.claims import basis_of, claims_folder, judged, keep_claim, kept_claim, refitted

    settings, folder = parts.settings, claims_folder(parts.settings)
    bases = [(entry.name, basis_of(entry, settings, parts.taxonomy, parts.prompt)) for entry in settings.entries]
    claims = [(name, basis) for name, basis in bases if basis]
    examples = await read_all(parts.examples) if claims else []
    found = []
    for name, basis in claims:
        threshold = refitted(judged(parts.process, examples, basis), settings.precision, kept_claim(folder, basis))
        keep_claim(folder, basis, threshold)
        found.append((name, threshold))
    return found
