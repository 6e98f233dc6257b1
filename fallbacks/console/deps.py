"""What the console is given, and what it makes of it once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fallbacks.access.identity import IdentityProvider
from fallbacks.access.places import Places
from fallbacks.access.roles import Role
from fallbacks.access.second_factor import SecondFactors
from fallbacks.access.sessions import Sessions
from fallbacks.access.tokens import Tokens
from fallbacks.access.users import Users
from fallbacks.autonomy.calls import CallJudge
from fallbacks.autonomy.standing import AutonomyJudge
from fallbacks.console.oversight.tally import Counts, tally
from fallbacks.console.pages import Pages
from fallbacks.inbox.alike import AlikeFinder
from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.today import Days, days
from fallbacks.kinds.findings import Finder
from fallbacks.ledger.limits.source_caps import SourceTerms
from fallbacks.ledger.past.examples import Examples, Folded
from fallbacks.ledger.states import Hint
from fallbacks.ledger.views import Views
from fallbacks.operations.look import Terms
from fallbacks.operations.tools import Card
from fallbacks.search.both import TicketSearch
from fallbacks.store.port import Store
from tasks.run.limits import Limits
from tasks.run.process import Process


@dataclass(frozen=True, slots=True)
class ConsoleDeps:
    """Given by the wiring.

    publish: puts (kind, ticket id) pairs on the queues. limits: what a resumed run gets afresh.
    daily_budget_nanodollars: of the fleet per UTC day, None for none. secure_cookies: True wherever TLS is in front.
    max_wait_seconds: after this long a repaired ticket that nobody worked goes to people; None: no such time.
    search: over what is here and what has ended. standings: what each kind of decision has earned; None leaves it off
    its screen. cards: where the card of a process is, besides the console's own folder. terms: what is usual is judged
    by them. store_info: asks the store's server what it says of itself; None where it does not answer.
    tools: those that the agent may call. calls: what theirs have earned; None leaves that out. identity: where people
    of the company sign in, None for nowhere; roles, teams: of its groups; no teams: it says nothing of them.
    sources: what each may spend and send, as this process was set up.
    """

    inbox: Inbox
    views: Views
    store: Store
    process: Process
    publish: Callable[[list[Hint]], Awaitable[None]]
    limits: Limits
    daily_budget_nanodollars: int | None
    secure_cookies: bool
    search: TicketSearch
    standings: AutonomyJudge | None = None
    max_wait_seconds: float | None = None
    cards: Path | None = None
    terms: Terms = field(default_factory=Terms)
    store_info: Callable[[], Awaitable[Mapping[str, Any] | None]] | None = None
    tools: tuple[Card, ...] = ()
    calls: CallJudge | None = None
    identity: IdentityProvider | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: SourceTerms = field(default_factory=SourceTerms)


@dataclass(frozen=True, slots=True)
class Desk:
    """One console at work. streams: timelines that are followed, by person."""

    deps: ConsoleDeps
    users: Users
    sessions: Sessions
    tokens: Tokens
    second_factors: SecondFactors
    examples: Examples
    tally: Folded[Counts]
    days: Folded[Days]
    findings: Finder
    alike: AlikeFinder
    pages: Pages
    streams: Places

    @classmethod
    def of(cls, deps: ConsoleDeps) -> "Desk":
        """Everything that is made from the given."""
        users = Users(deps.store, tiers=deps.terms.models)
        examples = Examples(deps.store, deps.process, deps.views.history)
        pages = Pages(deps.process, deps.cards)
        sessions, counts, findings = Sessions(deps.store, users), tally(examples), Finder(examples)
        alike = AlikeFinder(deps.inbox)
        tokens, factors = Tokens(deps.store), SecondFactors(deps.store)
        return cls(
            deps,
            users,
            sessions,
            tokens,
            factors,
            examples,
            counts,
            days(examples),
            findings,
            alike,
            pages,
            Places(500, 20),
        )
