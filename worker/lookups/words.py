"""The words of a text by which it is looked for: those that say something."""

import re

READ_CHARS = 4_000
_WORD = re.compile(r"\w{2,40}")
_STOP_WORDS = (
    "a about after all am an and any are as at be because been but by can could did do does for from get got had has "
    "have hello help here hi how if in into is it its just know like me my need no not now of on or our out please "
    "should so some tell thank thanks that the their them then there they this to up us very want was we were what "
    "when where which who why will with would yes you your"
)
_STOP = frozenset(_STOP_WORDS.split())


def words_of(text: str) -> list[str]:
    """In lower case and in order, each once; ordinary words where there is nothing else. What is long is not read to
    its end.
    """
    found = dict.fromkeys(_WORD.findall(text[:READ_CHARS].lower()))
    return [word for word in found if word not in _STOP and word.strip("_")] or [w for w in found if w.strip("_")]
