"""Cold files in an S3-compatible bucket. Keys, region and endpoint are those of every AWS tool: `AWS_ACCESS_KEY_ID`,
`AWS_REGION`, `AWS_ENDPOINT_URL_S3` and the rest.
"""

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 60, 3


class S3ColdFiles:
    """Implements `fallbacks.history.cold.documents.ColdFiles`.

    prefix: before every name, "" or with a `/` at its end.
    """

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self._bucket = bucket
        self._prefix = prefix
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"max_attempts": TRIES, "mode": "standard"},
            request_checksum_calculation="when_required",  # compatible ones mostly know no other
            response_checksum_validation="when_required",
        )
        self._client = botocore.session.get_session().create_client("s3", config=config)

    def write(self, name: str, data: bytes) -> None:
        """See `ColdFiles`."""
        self._do("put_object", name, Body=data, ContentType="application/gzip")

    def read(self, name: str) -> bytes:
        """See `ColdFiles`."""
        found: bytes = self._do("get_object", name)["Body"].read()
        return found

    def delete(self, name: str) -> None:
        """See `ColdFiles`."""
        self._do("delete_object", name)

    def _do(self, what: str, name: str, **given: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, what)(Bucket=self._bucket, Key=self._prefix + name, **given)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise FileNotFoundError(name) from None
            raise OSError(f"{what} of {name} was refused: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise OSError(f"{what} of {name} failed: {error}") from error
        return answer
