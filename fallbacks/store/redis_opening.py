"""Which store a URL is of: one server, or a cluster."""

from fallbacks.store.cluster.redis_link import RedisLink
from fallbacks.store.cluster.store import ClusterStore
from fallbacks.store.redis_store import RedisStore
from fallbacks.store.redis_url import read_redis_url


def open_store(url: str, prefix: str, replicas: int = 0) -> RedisStore | ClusterStore:
    """Opens nothing yet. replicas: see `RedisStore`."""
    read = read_redis_url(url)
    return ClusterStore(RedisLink(read, replicas), prefix) if read.nodes else RedisStore(url, prefix, replicas)
