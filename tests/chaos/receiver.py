"""The team's receiver that honours idempotency keys: counts how often each key came and acts on it once."""

from collections import Counter

from tests.services.http_sink import HttpSink, Received

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(HttpSink):
    """tries: by key. acted: tickets told to the team, each key once."""

    def calls(self) -> list[Received]:
        return [request for request in list(self.received) if request.path.endswith("/duty")]

    def tries(self) -> Counter[str]:
        return Counter(request.headers["idempotency-key"] for request in self.calls())

    def acted(self) -> Counter[str]:
        return Counter(key.partition(":")[0] for key in self.tries())
