"""A stored journal as its checkpoint, in JSON's own values, so that releases can be compared."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tasks.run import events as ev
from tasks.run.checkpoint import fold


def recorded(journal: Sequence[str]) -> list[ev.Recorded]:
    return [ev.read_event(stored, seq) for seq, stored in enumerate(journal)]


def folded(journal: Sequence[str]) -> Any:
    checkpoint = asdict(fold(recorded(journal)))
    return json.loads(json.dumps(checkpoint, default=lambda message: message.fields()))
