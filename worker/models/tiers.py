"""Makes the tiers of a deployment: each entry's model, its promise, and the version that earns autonomy."""

from tasks.run.ports import Model
from tasks.run.process import Process, ProcessDefinition
from tasks.run.prompt import Prompt
from tasks.triage.prompt import built_in
from tasks.triage.taxonomy import Taxonomy
from worker.config.errors import NotUsableError
from worker.config.models import Make, ModelEntry
from worker.config.prompt_file import load_prompt
from worker.config.settings import Redact, Settings
from worker.models.claims import basis_of, claims_folder, kept_claim
from worker.models.makes import local_promise, local_tier, questions_version, remote_model
from worker.models.promises import Promise, claimed
from worker.models.redaction import RedactedModel
from worker.models.tier import Tier, tier_version
from worker.telemetry.tracing import Tracing


def make_tier(entry: ModelEntry, settings: Settings, taxonomy: Taxonomy, prompt: Prompt, tracing: Tracing) -> Tier:
    """One entry's. Raises `LocalModelError` and `ModelNotInstalledError`."""
    model: Model
    redacted = settings.redact is Redact.MODEL and entry.make is not Make.LOCAL
    if entry.make is Make.LOCAL:
        model, made_of, promise = local_tier(settings, taxonomy)
    else:
        model = remote_model(entry, settings, taxonomy)
        promise = promise_of(entry, settings, taxonomy, prompt)
        made_of = questions_version(entry, taxonomy) or prompt.version
    least = promise.threshold
    of = [model.name, made_of, taxonomy.version, f"{least:.4f}", *(["redacted"] if redacted else [])]
    of += [f"{group} {own}" for group, own in promise.groups]
    traced = tracing.model(RedactedModel(model) if redacted else model)
    basis = basis_of(entry, settings, taxonomy, prompt)
    return Tier(traced, least, tier_version(of), redacted, promise.rests_on, made_of, basis)


def brought_tier(brought: ProcessDefinition, process: Process, tracing: Tracing) -> Tier:
    """The tier `local` of a process that a package brings. Raises `NotUsableError` where it has none."""
    if brought.local is None:
        raise NotUsableError(f"the process {brought.kind.name} has no local model: set DESKHAND_MODEL")
    model, least, made_of = brought.local(), brought.min_confidence, process.prompt.version
    version = tier_version([model.name, made_of, process.taxonomy_version, f"{least:.4f}"])
    return Tier(tracing.model(model), least, version, made_of=made_of)


def promise_of(entry: ModelEntry, settings: Settings, taxonomy: Taxonomy, prompt: Prompt) -> Promise:
    """What a tier would promise here. Nothing is trained for it."""
    if entry.make is Make.LOCAL:
        return local_promise(settings, taxonomy)
    return claimed(settings, kept_claim(claims_folder(settings), basis_of(entry, settings, taxonomy, prompt)))


def prompt_of(settings: Settings) -> Prompt:
    """The words that a remote model reads first."""
    least = settings.remote_min_confidence
    return load_prompt(settings.prompt).at(least) if settings.prompt else built_in(least)
