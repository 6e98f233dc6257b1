"""A person's own query over the documented views."""

_READS = ("select", "with", "values")


def checked(sql: str) -> str:
    """The query, where it begins as one that reads. Raises ValueError."""
    words = sql.split(None, 1)
    if not words or words[0].lower().strip("(") not in _READS:
        raise ValueError("the query cannot be run: it must begin with SELECT, WITH or VALUES")
    return sql
