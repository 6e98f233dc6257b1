"""The half of wiring that is about records: which process they are of, the store, the ledger over it, history."""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from fallbacks.history.cold.documents import Cold
from fallbacks.history.cold.folder import ColdFolder
from fallbacks.history.cold.url import read_cold_url
from fallbacks.history.ed25519_seals import Ed25519Sealer, kept_sealer
from fallbacks.history.facts import DAY_MS
from fallbacks.history.no_history import NONE, NoHistory
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.history.sqlite.url import room_of, sqlite_path
from fallbacks.history.upkeep import KeptUp, Upkeep, cool_older, forget_older
from fallbacks.ledger.business_hours import read_hours
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.past.known_before import KnownBefore
from fallbacks.ledger.targets import Targets
from fallbacks.ledger.views import Views
from fallbacks.search.both import TicketSearch
from fallbacks.search.live import LiveTickets
from fallbacks.search.sqlite_live_index import SqliteLiveIndex
from fallbacks.store.port import Store
from fallbacks.store.redis_opening import open_store
from tasks.run.process import Process, ProcessDefinition
from tasks.run.prompt import Prompt
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Taxonomy
from worker.config import installed, own_settings, sources
from worker.config.settings import Settings
from worker.config.yaml_taxonomy import load_taxonomy
from worker.models.tiers import prompt_of
from worker.telemetry.tracing import sent_in


class Records:
    """What a `Parts` makes, on first use, of the process of the deployment and of what is kept of its tickets."""

    settings: Settings
    redis_url: str
    wrap_store: Callable[[Store], Store]

    @cached_property
    def taxonomy(self) -> Taxonomy:
        return load_taxonomy(sources.taxonomy_file(self.settings))

    @cached_property
    def prompt(self) -> Prompt:
        return prompt_of(self.settings)

    @cached_property
    def brought(self) -> ProcessDefinition | None:
        """The process that a package brings for this deployment; None for triage."""
        return None if self.settings.process == Triage.name else installed.process(self.settings.process)

    @cached_property
    def process(self) -> Process:
        """The one process of this deployment."""
        return own_settings.made(self.brought) if self.brought else self.triage

    @cached_property
    def triage(self) -> Triage:
        """As `deskhand eval` and its sisters measure it."""
        settings = self.settings
        return Triage(self.taxonomy, self.prompt, settings.autonomy_agree_on, frozenset(settings.autonomy_severe))

    @property
    def cards(self) -> Path | None:
        """Where the console finds the card of a process that is not its own."""
        return self.brought.cards if self.brought else None

    @cached_property
    def store(self) -> Store:
        return self.wrap_store(open_store(self.redis_url, f"{self.settings.namespace}:", self.settings.redis_wait))

    @cached_property
    def sealer(self) -> Ed25519Sealer:
        return kept_sealer(self.settings.audit_key, self.settings.home)

    @cached_property
    def history(self) -> KeptUp | NoHistory:
        """Where ended tickets live."""
        url, seal = self.settings.history_url, partial(_sealed, self)
        if url == NONE:
            return NoHistory()
        if not url.startswith("postgres"):
            return SqliteHistory(self.history_file, self.process, seal, self.cold)
        from fallbacks.history.postgres.history import PostgresHistory  # psycopg only where it is configured

        return PostgresHistory(url, self.process, seal, self.cold)

    @property
    def upkeep(self) -> Upkeep:
        """Of history. Raises ValueError where nothing is kept."""
        if not isinstance(self.history, NoHistory):
            return self.history.upkeep
        raise ValueError(f"there is no history: DESKHAND_HISTORY_URL is {self.settings.history_url}")

    @cached_property
    def cold(self) -> Cold | None:
        """Documents of cold months, where there may be some."""
        if self.settings.cold_url is None:
            return None
        place = read_cold_url(self.settings.cold_url)
        if isinstance(place, Path):
            return Cold(ColdFolder(place))
        from fallbacks.history.cold.s3_files import S3ColdFiles  # botocore only where it is configured

        return Cold(S3ColdFiles(place.name, place.prefix))

    def needed_cold(self) -> Cold:
        """Raises ValueError where there are none."""
        if self.cold is None:
            raise ValueError("DESKHAND_COLD_URL says where cold documents lie, and is not set")
        return self.cold

    async def keep_history_up(self) -> None:
        """Take out of history what is older than it may be, and its documents out of the database that are older."""
        kept, warm = self.settings.history_days, self.settings.cold_days
        now = await self.store.now_ms() if kept or warm else 0
        if kept is not None:
            await forget_older(self.upkeep, self.cold, now - int(kept * DAY_MS))
        if warm is not None and not isinstance(self.history, NoHistory):
            await cool_older(self.history, self.upkeep, self.needed_cold(), now - int(warm * DAY_MS))

    def history_room(self) -> tuple[int, int] | None:
        """Bytes free and in all of the disk that history is on; None where it is not a file."""
        return room_of(self.history_file) if self.settings.history_url.startswith("sqlite:") else None

    @property
    def history_file(self) -> Path:
        """Where it lies, where it is a file."""
        return sqlite_path(self.settings.history_url, self.settings.home, self.settings.namespace)

    @cached_property
    def search(self) -> TicketSearch:
        """Over the store and history."""
        return TicketSearch(LiveTickets(self.store, self.process, SqliteLiveIndex()), self.history)

    async def aclose(self) -> None:
        """Close what was opened."""
        if "search" in self.__dict__:
            self.search.live.close()
        for name in ("store", "history"):
            if name in self.__dict__:
                await getattr(self, name).aclose()

    @cached_property
    def ledger(self) -> Ledger:
        settings = self.settings
        lease_ms, first_sweep_ms = int(settings.lease_seconds * 1000), int(2 * settings.sweep_seconds * 1000)
        known, weights, rates = KnownBefore(self.history), settings.source_weights, settings.source_rates
        times = (lease_ms, first_sweep_ms)
        return Ledger(self.store, self.process, *times, sent_in, known, weights, self._targets(), rates)

    def _targets(self) -> Targets:
        """How soon people should look."""
        given, hours = self.settings, None
        if given.business_hours:
            hours = read_hours(given.business_hours, given.business_zone, given.holidays)
        return Targets(given.sla_seconds, hours)

    @cached_property
    def views(self) -> Views:
        return Views(self.store, self.history)

    @cached_property
    def examples(self) -> Examples:
        """People's decisions, wherever they are."""
        return Examples(self.store, self.process, self.history)


def _sealed(records: Records, what: bytes) -> str:
    """By the key of the deployment, which is read when it is first needed."""
    return records.sealer.seal(what)
