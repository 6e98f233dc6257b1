"""Names that stand for the machine in every timeline: nobody may act under one."""

from tasks.language import _

SYSTEM_NAMES = frozenset({"agent", "environment", "intake", "local", "prober", "rotation", "sweep", "system"})


def refuse_system_name(name: str, tiers: frozenset[str] = frozenset()) -> None:
    """Raises `ValueError` for a name of the machine's own. tiers: names of the models at work."""
    if name.strip().lower() in SYSTEM_NAMES | tiers:
        raise ValueError(
            _("%(name)s is a name of the machine's own: what people do must not look like its work", name=repr(name))
        )
