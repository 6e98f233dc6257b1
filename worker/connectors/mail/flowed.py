"""`format=flowed` (RFC 3676): lines that a mail program broke are joined again."""


def joined(text: str, delete_space: bool) -> str:
    """Text with its flowed lines joined. delete_space: `DelSp=yes`, a line's last space is not part of the text."""
    lines: list[tuple[int, list[str]]] = []
    open_depth: int | None = None
    for raw in text.splitlines():
        depth, line = _unquoted(raw)
        signature = line == "-- "
        flows = line.endswith(" ") and not signature
        said = line[:-1] if flows and delete_space else line
        if open_depth == depth and not signature and lines:
            lines[-1][1].append(said)
        else:
            lines.append((depth, [said]))
        open_depth = depth if flows else None
    return "\n".join(f"{'>' * depth}{' ' if depth else ''}{_ended(''.join(pieces))}" for depth, pieces in lines)


def _ended(line: str) -> str:
    return line if line == "-- " else line.rstrip()


def _unquoted(line: str) -> tuple[int, str]:
    """(how often it is quoted, the line without quote marks and stuffed space)."""
    bare = line.lstrip(">")
    depth = len(line) - len(bare)
    return depth, bare.removeprefix(" ")
