"""How many cases a property is tried on: few in `make test`, which must end soon; many in `make chaos`."""

import os

DEEP = "DEEP" in os.environ


def cases(few: int, many: int) -> int:
    return many if DEEP else few
