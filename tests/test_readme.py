"""The README says what the code does."""

from pathlib import Path

from tests.plan_table import plan_table

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_plan_in_the_readme_is_the_plan_in_force() -> None:
    shown = README.partition("<!-- plan -->\n")[2].partition("<!-- /plan -->")[0]
    assert shown == plan_table(), "run `python -m tests.plan_table` and paste its output"
