"""What a failover of the store may lose, and whether its connections are enough for this fleet."""

from worker.config.settings import Settings
from worker.ops.doctor import Check, failed, passed, warned
from worker.ops.redis_facts import StoreFacts

WORKER_CONNECTIONS = 28
WEB_CONNECTIONS = 20
"""The most that one process opens to a store that is its broker, too: two pools of eight, four that read messages, two
threads that send hints with up to three each, and Celery's consumer."""

CROWDED_SHARE = 0.8


def replication(facts: StoreFacts, settings: Settings) -> Check:
    """Whether somebody has said what a failover may lose."""
    name, replicas, wait = "replication", int(facts.info.get("connected_slaves", 0)), settings.redis_wait
    if wait > replicas:
        found = f"{replicas} replicas, and DESKHAND_REDIS_WAIT={wait}: nothing is accepted"
        return failed(name, found, "connect replicas, or lower DESKHAND_REDIS_WAIT")
    if not replicas:
        return passed(name, "no replica: nothing fails over, and the file on the server's disk is all there is")
    behind = _behind(facts)
    if not wait:
        found = f"{replicas} replicas, {behind}: a failover loses what they had not received when it happened"
        if "redis_wait" in settings.model_fields_set:
            return warned(name, found, "DESKHAND_REDIS_WAIT=0 accepts that; 1 waits for a replica")
        return failed(name, found, "set DESKHAND_REDIS_WAIT=1, or =0 to accept it")
    if facts.config.get("min-replicas-to-write", "1") == "0":
        found = f"{replicas} replicas, {behind}; min-replicas-to-write 0"
        change = "CONFIG SET min-replicas-to-write 1: a primary that is cut off must take no writes"
        return warned(name, found, change)
    return passed(name, f"{replicas} replicas, {behind}; {wait} of them must have what is acknowledged")


def connections(facts: StoreFacts, workers: int) -> Check:
    """maxclients, against what this fleet may open. workers: processes seen lately."""
    most, now = (
        int(facts.config.get("maxclients", facts.info.get("maxclients", 0))),
        int(facts.info["connected_clients"]),
    )
    need = max(1, workers) * WORKER_CONNECTIONS + WEB_CONNECTIONS
    found = f"{now} of {most or 'unknown'}; {max(1, workers)} workers and a web process open at most {need}"
    if not most:
        return passed("connections", found)
    if most < need:
        return failed("connections", found, f"raise maxclients to {need} at least: what finds none free works nothing")
    if now > most * CROWDED_SHARE:
        return warned("connections", found, "raise maxclients: new connections will soon be refused")
    return passed("connections", found)


def _behind(facts: StoreFacts) -> str:
    """The least and the most bytes that the replicas lack."""
    head = int(facts.info.get("master_repl_offset", 0))
    replicas = [value for name, value in facts.info.items() if name.startswith("slave") and isinstance(value, dict)]
    lack = sorted(max(0, head - int(replica.get("offset", 0))) for replica in replicas)
    if not lack:
        return "how far behind is unknown"
    return f"{lack[0]:,} bytes behind" if len(lack) == 1 else f"{lack[0]:,} to {lack[-1]:,} bytes behind"
