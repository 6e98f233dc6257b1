"""What signs the calls to Bedrock: throw-away credentials, and none of the machine's."""

import pytest

from tests.worker.models.asking import KEY


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    ours = {"AWS_ACCESS_KEY_ID": "AKIDTHROWAWAY", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_EC2_METADATA_DISABLED": "true"}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
