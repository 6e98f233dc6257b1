"""The documented views: SQL that a person can read. docker/HISTORY.md describes their columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs. time, day: a format of milliseconds, of days since 1970. facet: a format of a name in `facets`.
    flag: a format of a condition as a column.
    """

    time: str
    day: str
    facet: str
    flag: str = "{}"


SQLITE = Dialect(
    time="strftime('%Y-%m-%d %H:%M:%S', {} / 1000.0, 'unixepoch')",
    day="date({} * 86400, 'unixepoch')",
    facet="facets ->> '$.\"{}\"'",
)
POSTGRES = Dialect(
    time="to_timestamp({} / 1000.0)", day="(date '1970-01-01' + {}::integer)", facet="facets ->> '{}'", flag="({})"
)


def views(dialect: Dialect, facets: Sequence[str], keyed_by: str) -> Mapping[str, str]:
    """Name to its CREATE VIEW. facets: of the process, each a column of its own; keyed_by: the one of them that
    agreement is counted by.
    """
    time, flag = dialect.time.format, dialect.flag.format
    own = "".join(f"{dialect.facet.format(_plain(name))} AS {_quoted(name)}, " for name in facets)
    key = _quoted(keyed_by)
    counted = ("tickets", "calls", "input_tokens", "output_tokens")
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in counted)
    agreement = f"agreement_by_{_plain(keyed_by)}"
    return {
        "tickets": f"""CREATE VIEW tickets AS SELECT id, {time("accepted")} AS accepted_at, {time("ended")} AS ended_at,
  state, source, door, subject, requester_id, requester_email, requester_name, {own}facets, priority, reason,
  closed AS closed_as, tier, decided_by, confidence, suggested, {flag("corrected")} AS corrected,
  CAST(spent / 1000000000.0 AS DOUBLE PRECISION) AS usd, steps, run_seconds,
  accepted AS accepted_ms, ended AS ended_ms FROM ticket""",
        "decisions": f"""CREATE VIEW decisions AS SELECT id, {time("ended")} AS decided_at, key AS {key}, facets,
  priority, decided_by, {flag("decided_by <> 'agent'")} AS by_person, tier, confidence, suggested,
  {flag("suggested = key")} AS agreed, {flag("corrected")} AS corrected, requester_id, source,
  ended - accepted AS took_ms FROM ticket WHERE state = 'decided'""",
        "costs_by_day": f"""CREATE VIEW costs_by_day AS SELECT {dialect.day.format("day")} AS day, tier,
  {sums},
  CAST(sum(nanodollars) / 1000000000.0 AS DOUBLE PRECISION) AS usd FROM (
    SELECT day, tier, count(*) AS tickets, sum(calls) AS calls, sum(input_tokens) AS input_tokens,
      sum(output_tokens) AS output_tokens, sum(nanodollars) AS nanodollars FROM cost GROUP BY day, tier
    UNION ALL SELECT day, tier, tickets, calls, input_tokens, output_tokens, nanodollars FROM past_cost
  ) AS every GROUP BY day, tier""",
        agreement: f"""CREATE VIEW {agreement} AS SELECT key AS {key}, count(*) AS decided,
  sum(CASE WHEN suggested = key THEN 1 ELSE 0 END) AS agreed,
  CAST(avg(CASE WHEN suggested = key THEN 1.0 ELSE 0.0 END) AS DOUBLE PRECISION) AS share FROM ticket
  WHERE state = 'decided' AND decided_by <> 'agent' AND suggested IS NOT NULL GROUP BY key""",
    }


def _quoted(name: str) -> str:
    return f'"{_plain(name)}"'


def _plain(name: str) -> str:
    """A process names its facets in code. Raises ValueError for what is not a name."""
    if not name.isidentifier():
        raise ValueError(f"a facet must be a name, and is {name!r}")
    return name
