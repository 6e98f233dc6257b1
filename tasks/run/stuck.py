"""Stuck detection: a run that repeats itself without learning anything, seen before its step cap is burnt."""

Fingerprint = tuple[str, str, str]
"""(tool, arguments, result) of one finished tool call."""

SAME_CALL = 3
"""Identical calls with identical results that make a loop: two may be a model checking itself."""

LONGEST_CYCLE = 4


def looping(trail: tuple[Fingerprint, ...]) -> str | None:
    """What repeats, in one line, or None. Results count: the same call with a new answer is progress."""
    if not trail:
        return None
    last = trail[-1]
    if trail.count(last) >= SAME_CALL:
        return f"{last[0]} was called {trail.count(last)} times with the same arguments and the same result"
    for length in range(2, LONGEST_CYCLE + 1):
        cycle = trail[-length:]
        if len(trail) >= 2 * length and trail[-2 * length : -length] == cycle and len(set(cycle)) > 1:
            names = ", ".join(step[0] for step in cycle)
            return f"the calls {names} repeat with the same results"
    return None
