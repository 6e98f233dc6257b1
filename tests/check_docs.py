"""Checks what a reader or a fresh machine would stumble over: dead links, commands, files and names that do not exist.

Run by `make check` on the tracked files, which may name no private path either. Prints one line a fault, and exits 1 if
there is any.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

FENCE = re.compile(
    r"^(?P<fence>```+|~~~+)(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL
)
CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:href|src|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
EXPLICIT_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
SHELLS = {"sh", "bash", "shell", "console"}
COMMAND = {name: re.compile(rf"(?:^|[\s;&|/$])(?:{name}) ([a-z][a-z-]*)") for name in ("make", "deskhand")}
HELP_LINE = re.compile(r"^[│|\s]*([a-z][a-z-]+)\s{2,}", re.MULTILINE)
PLACE = re.compile(r"((?:[\w.-]+/)+[\w.-]*|\.?[\w-]+\.\w+)(?::([A-Za-z_][\w.]*))?")
CITED = re.compile(r"(?<![\w/.*-])((?:[\w-]+/)*[A-Z][A-Z_]{2,}\.md)\b")
CODE = {".py", ".lua", ".toml", ".yaml", ".yml", ".html", ".css", ".js"}
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
FORBIDDEN = {
    "names a package registry": re.compile(
        r"\bpypi\.org|\bpythonhosted\.org|\bregistry\.npmjs\.org|\b(?:deb|security)\.debian\.org|\bcrates\.io|\bproxy\.golang\.org"
    ),
    "names a path of one machine": re.compile(r"(?<![\w./}])/(?:work|home|root|Users)/\w"),
}


def main(root: Path) -> int:
    tracked = _tracked(root)
    documents = [path for path in tracked if path.suffix == ".md"]
    guides = (root / "README.md", root / "CONTRIBUTING.md")
    targets, commands = makefile_targets(root / "Makefile"), cli_commands()
    faults = [
        *(fault for path in documents for fault in dead_links(path)),
        *(fault for path in guides for fault in unknown_commands(path, "make", lambda: targets)),
        *(fault for path in guides for fault in unknown_commands(path, "deskhand", lambda: commands)),
        *missing_places(root / "CONTRIBUTING.md", root),
        *(fault for path in tracked if path.suffix in CODE for fault in missing_citations(path, root)),
        *(fault for path in tracked for fault in forbidden_text(path)),
    ]
    for fault in faults:
        sys.stderr.write(f"{fault.replace(f'{root}/', '', 1)}\n")
    sys.stdout.write(f"Checked {len(documents)} documents and {len(tracked)} files: {len(faults)} faults.\n")
    return 1 if faults else 0


def dead_links(document: Path) -> Iterator[str]:
    """Relative links whose file, or whose heading in a Markdown file, does not exist."""
    text = _blanked(document.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        link = match[1] or match[2]
        if ELSEWHERE.match(link):
            continue
        file, _, anchor = link.partition("#")
        target = (document.parent / file) if file else document
        where = f"{document}:{_line(text, match.start())}"
        if not target.exists():
            yield f"{where}: the link {link} leads to no file"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{where}: the link {link} leads to no heading"


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings, and those written out."""
    found: set[str] = set(EXPLICIT_ANCHOR.findall(text))
    seen: dict[str, int] = {}
    for heading in HEADING.findall(FENCE.sub("", text)):
        words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        repeated = seen.get(slug, 0)
        seen[slug] = repeated + 1
        found.add(f"{slug}-{repeated}" if repeated else slug)
    return found


def unknown_commands(document: Path, program: str, known: Callable[[], set[str]]) -> Iterator[str]:
    """Commands that the document's code tells the reader to run and `program` does not have."""
    text = document.read_text(encoding="utf-8")
    named = [(where, name) for where, code in _shell_code(text) for name in COMMAND[program].findall(code)]
    if not named:
        return
    commands = known()
    for where, name in named:
        if name not in commands:
            yield f"{document}:{where}: there is no `{program} {name}`"


def missing_places(document: Path, root: Path) -> Iterator[str]:
    """Files and names, written `folder/file.py` or `folder/file.py:Class.method`, that the tree does not have."""
    text = _blanked(document.read_text(encoding="utf-8"), spans=False)
    for span in CODE_SPAN.finditer(text):
        place = PLACE.fullmatch(span[1])
        if place is None or not ("/" in place[1] or place[2]):
            continue
        where, path = f"{document}:{_line(text, span.start())}", root / place[1]
        if not path.exists():
            yield f"{where}: there is no {place[1]}"
        elif place[2] and not _defines(path, place[2].rpartition(".")[2]):
            yield f"{where}: {place[1]} defines no {place[2]}"


def _defines(path: Path, name: str) -> bool:
    """Whether a Python file has a function, a class or a value of this name."""
    pattern = rf"^\s*(?:(?:async\s+)?def|class)\s+{name}\b|^{name}\s*[:=]"
    return re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def missing_citations(path: Path, root: Path) -> Iterator[str]:
    """Documents that code names and the repository does not have, from its root or beside the file."""
    text = path.read_text(encoding="utf-8")
    for match in CITED.finditer(text):
        if not any((folder / match[1]).is_file() for folder in (root, path.parent)):
            yield f"{path}:{_line(text, match.start())}: cites {match[1]}, which is not here"


def makefile_targets(makefile: Path) -> set[str]:
    return set(TARGET.findall(makefile.read_text(encoding="utf-8")))


def cli_commands() -> set[str]:
    program = Path(sys.executable).with_name("deskhand")
    plain = os.environ | {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"}
    shown = subprocess.run([program, "--help"], env=plain, capture_output=True, text=True, check=False)
    if shown.returncode:
        sys.exit(f"deskhand --help fails:\n{shown.stderr}")
    return set(HELP_LINE.findall(shown.stdout))


def forbidden_text(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # a picture or the like
    for fault, pattern in FORBIDDEN.items():
        for match in pattern.finditer(text):
            yield f"{path}:{_line(text, match.start())}: {fault}: {match[0]}"


def _shell_code(text: str) -> Iterable[tuple[int, str]]:
    """Every line of shell code and every code span, with its line number."""
    for fence in FENCE.finditer(text):
        if fence["language"] in SHELLS:
            first = _line(text, fence.start("code"))
            for offset, line in enumerate(fence["code"].splitlines()):
                yield first + offset, re.sub(r"(^|\s)#.*", "", line)
    rest = _blanked(text, spans=False)
    for span in CODE_SPAN.finditer(rest):
        yield _line(rest, span.start()), span[1]


def _blanked(text: str, spans: bool = True) -> str:
    """The text with its code made blank, every line still at its number."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = FENCE.sub(blank, text)
    return CODE_SPAN.sub(lambda match: "`" * len(match[0]), text) if spans else text


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _tracked(root: Path) -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := root / name).is_file()]


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
