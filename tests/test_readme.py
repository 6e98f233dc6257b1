"""The README says what the code does."""

from pathlib import Path

from tests.plan_table import plan_table
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_plan_in_the_readme_is_the_plan_in_force() -> None:
    shown = README.partition("<!-- plan -->\n")[2].partition("<!-- /plan -->")[0]
    assert shown == plan_table(), "run `python -m tests.plan_table` and paste its output"


def test_the_fields_of_the_readme_are_read(tmp_path: Path) -> None:
    shown = README.partition("**Fields of your own.**")[2].partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "taxonomy.yaml"
    file.write_text(sample.path("taxonomy.yaml").read_text("utf-8") + shown, "utf-8")
    found = load_taxonomy(file)
    assert [(field.name, field.type.value) for field in found.fields] == [
        ("language", "enum"),
        ("order_number", "text"),
        ("products", "list"),
        ("amount", "number"),
    ]
    assert (found.fields[1].fault("AB-123456"), found.further_labels) == (None, 2)
