"""What reads messages beside Celery where the broker is a Redis: unreadable ones, and plain JSON ones."""

from typing import TYPE_CHECKING

from fallbacks.store.redis_connections import async_client
from worker.config.settings import Settings
from worker.intake.admission import Admission
from worker.intake.redis import RedisIntake
from worker.intake.redis_poison import PoisonList
from worker.queue.names import poison_key, queue_names

if TYPE_CHECKING:
    from worker.queue.celery_publisher import Publisher

CONNECTIONS = 4


def message_loops(
    settings: Settings, url: str, queues: tuple[str, ...], admission: Admission, publisher: "Publisher"
) -> list[PoisonList | RedisIntake]:
    """Those of a worker that serves these queues. url: the broker's."""
    redis = async_client(url, connections=CONNECTIONS, socket_timeout=5)
    loops: list[PoisonList | RedisIntake] = [PoisonList(redis, poison_key(settings), admission)]
    if "intake" in queues:
        name, hold = queue_names(settings)["intake"], 2 * settings.lease_seconds
        loops.append(RedisIntake(redis, name, settings.namespace, hold, admission, publisher))
    return loops
