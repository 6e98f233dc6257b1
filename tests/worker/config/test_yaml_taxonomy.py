"""A broken taxonomy file is refused with one message that names the file, the line and the fault."""

from pathlib import Path

import pytest

from worker.config.errors import TaxonomyFileError
from worker.config.yaml_taxonomy import load_taxonomy

GOOD = """\
teams:
  - name: cards
    description: Cards of all kinds.
labels:
  - name: lost_card
    description: A card is lost.
    team: cards
    priority: high
  - name: new_card
    description: A card is wanted.
    team: cards
"""

RULES = (
    GOOD
    + """\
priority_rules:
  - words: [stolen]
    priority: urgent
  - customer_tiers: [vip]
    priority: high
    person: true
    team: cards
"""
)

FIELDS = (
    GOOD
    + """\
fields:
  - name: order
    description: The order.
    type: text
    pattern: "A-[0-9]+"
further_labels: 2
"""
)

BROKEN = {
    "field called as something else": (FIELDS.replace("name: order", "name: label"), 13, "'label' is the name of"),
    "field of no type": (FIELDS.replace("type: text", "type: date"), 15, "fields.0.type: Input should be 'enum'"),
    "pattern that is none": (FIELDS.replace("A-[0-9]+", "A-("), 13, "the pattern cannot be used"),
    "rule that never holds": (RULES.replace("customer_tiers: [vip]\n    ", ""), 15, "needs words or customer_tiers"),
    "rule without effect": (RULES.replace("    priority: urgent\n", ""), 13, "needs a priority, a team or person"),
    "rule of no team": (
        RULES.replace("true\n    team: cards", "true\n    team: crads"),
        18,
        "a rule names the team 'crads'",
    ),
    "rule with an unknown field": (
        RULES.replace("person: true", "persons: true"),
        17,
        "priority_rules.1.persons: Extra",
    ),
    "rule with half a yes": (
        RULES.replace("person: true", "person: perhaps"),
        17,
        "priority_rules.1.person: Input should be",
    ),
    "syntax": (GOOD + "  - name: [open\n", 13, "expected ',' or ']'"),
    "tab": (GOOD.replace("    team: cards\n    priority", "\tteam: cards\n    priority"), 7, "cannot start any token"),
    "duplicate key": (GOOD.replace("priority: high", "team: cards"), 8, "the key 'team' stands twice"),
    "duplicate section": (GOOD + "teams: []\n", 12, "the key 'teams' stands twice"),
    "missing field": (
        GOOD.replace("    description: A card is lost.\n", ""),
        5,
        "labels.0.description: Field required",
    ),
    "missing section": ("# nothing but teams\nteams:\n  - {name: a, description: b}\n", 2, "labels: Field required"),
    "unknown field": (GOOD.replace("priority", "prio"), 8, "labels.0.prio: Extra inputs are not permitted"),
    "unknown priority": (GOOD.replace("high", "asap"), 8, "labels.0.priority: Input should be"),
    "bad name": (GOOD.replace("name: new_card", "name: new card"), 9, "labels.1.name: String should match"),
    "wrong type": (GOOD.replace("lost_card", "12"), 5, "labels.0.name: Input should be a valid string"),
    "unknown team": (
        GOOD.replace("team: cards\n    priority", "team: crads\n    priority"),
        7,
        "'crads', which is not",
    ),
    "repeated label": (GOOD.replace("new_card", "lost_card"), 9, "'lost_card' stands twice under labels"),
    "not a mapping": ("- a\n- b\n", 1, "Input should be"),
    "empty": ("# only a comment\n", 1, "is empty"),
    "python object": (
        GOOD.replace("high", "!!python/object/apply:os.getcwd []"),
        8,
        "could not determine a constructor",
    ),
    "two documents": (GOOD + "---\nteams: []\n", 12, "but found another document"),
    "control character": (GOOD.replace("lost.", "lost.\x07"), 6, "special characters are not allowed"),
    "undefined alias": (GOOD.replace("team: cards\n    priority", "team: *who\n    priority"), 7, "undefined alias"),
    "impossible date": (GOOD.replace("high", "2026-02-31"), 1, "cannot read"),
    "too deep": ("a: " + "[" * 40 + "]" * 40 + "\n", 1, "nested too deeply"),
    "far too deep": ("[" * 20_000 + "]" * 20_000, 1, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "line", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_at_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(TaxonomyFileError) as refused:
        load_taxonomy(file)
    message = str(refused.value)
    assert message.startswith(f"{file}:{line}: "), message
    assert reason in message
    assert "\n" not in message


def test_a_good_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text(GOOD, "utf-8")
    taxonomy = load_taxonomy(file)
    assert [label.name for label in taxonomy.labels] == ["lost_card", "new_card"]
    assert taxonomy.by_name["new_card"].priority == "normal"


def test_rules_are_read(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text(RULES, "utf-8")
    stolen, vip = load_taxonomy(file).priority_rules
    assert (stolen.words, stolen.priority, stolen.person) == (("stolen",), "urgent", False)
    assert (vip.words, vip.customer_tiers, vip.person, vip.team) == ((), ("vip",), True, "cards")


def test_a_file_that_is_not_utf8_is_refused_at_the_line_of_the_bad_byte(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_bytes(GOOD.replace("lost.", "lost\x00").encode().replace(b"\x00", b"\xff"))
    with pytest.raises(TaxonomyFileError, match=r":6: is not UTF-8"):
        load_taxonomy(file)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyFileError, match=r"none\.yaml:1: cannot be read: No such file"):
        load_taxonomy(tmp_path / "none.yaml")


def test_a_huge_file_is_refused_without_being_parsed(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text("#" * 1_000_001, "utf-8")
    with pytest.raises(TaxonomyFileError, match="is larger than"):
        load_taxonomy(file)


def test_aliases_that_multiply_are_refused_quickly(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    file = tmp_path / "taxonomy.yaml"
    file.write_text("\n".join(lines) + "\n" + GOOD, "utf-8")
    with pytest.raises(TaxonomyFileError, match="Extra inputs are not permitted"):
        load_taxonomy(file)
