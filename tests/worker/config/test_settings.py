import pytest

from worker.config.errors import SettingsError
from worker.config.settings import load_settings


def test_a_line_end_after_the_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mounted secrets often have one, and with it no call could be sent."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", " sk-throw-away\n")
    key = load_settings().anthropic_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-throw-away"


@pytest.mark.parametrize("key", ["sk-throw\naway", "sk-throw\u2026away"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.faults == ["ANTHROPIC_API_KEY: has characters that no key has"]
