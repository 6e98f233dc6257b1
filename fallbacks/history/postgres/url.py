"""A PostgreSQL URL, judged whole at the start by libpq itself, and never shown."""

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from fallbacks.store.urls import split_url

EXAMPLE = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"


def read_postgres_url(url: str) -> str:
    """The URL, where libpq reads it. Raises `ValueError` with one line that shows nothing of it."""
    split_url(url)
    try:
        read = conninfo_to_dict(url)
    except ProgrammingError as error:
        said = str(error).strip()
        option = said.partition("URI query parameter: ")[2] if "URI query parameter: " in said else ""
        raise ValueError(f"has an option that PostgreSQL does not know: {option}" if option else _HOW) from None
    if not read.get("dbname") or not (read.get("host") or read.get("service")):
        raise ValueError(_HOW)
    return url


_HOW = f"must be a URL such as {EXAMPLE}"
