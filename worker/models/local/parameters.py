"""What the local model has learned, and its cache on disk: numbers and JSON only, nothing that could run."""

import fcntl
import hashlib
import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.models.local.features import Encoded, Vocabulary
from worker.models.local.sparse import Floats, Ints, Rows

log = logging.getLogger(__name__)

FORM = 3
"""Raise it whenever local_features, local_parameters or local_scope come to read the same weights otherwise: those
stored before are refused or made again then. Never their source text: a comment would make a promoted model unusable.
Tests hold what the weights of fixed texts are."""

Flags = NDArray[np.uint8]

_ARRAYS = (
    "idf",
    "weights",
    "bias",
    "posting_starts",
    "posting_texts",
    "posting_weights",
    "text_labels",
    "seen",
    "bounds",
    "bound_bias",
    "bound_of",
    "held_confidence",
    "held_right",
    "held_label",
    "learned",
)


_NEWEST = "held_label"
"""Weights stored before it came are read without it, and have one threshold for all teams."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A trained classifier.

    labels: in the order of the columns of `weights` (n-grams x labels) and of `bias`.
    sharpness: the scores are multiplied by it before the softmax; fitted on held-out tickets.
    posting_*: for each n-gram, which training texts hold it and how much: the index behind `nearest`.
    text_labels: the label (its column) of each training text.
    seen: for each n-gram and label, 1 where a training text of the label holds it.
    bounds: n-grams x teams, and bound_bias: each team against all others. bound_of: the team of each label, by column.
    scope_from: the scope score (worker/models/local/scope.py) below which a ticket is unlike what was learned.
    held_*: of each ticket that a trial had not learned from: its confidence, 0 where the ticket was unlike what was
    learned; 1 where the team was right.
    learned: the digest of each text that it has learned from, in order.
    parted: the index by labels that were asked for together, e.g. those of a team, as rows of texts by
    n-gram; made when first needed.
    """

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Floats
    bias: Floats
    sharpness: float
    posting_starts: Ints
    posting_texts: Ints
    posting_weights: Floats
    text_labels: Ints
    seen: Flags
    bounds: Floats
    bound_bias: Floats
    bound_of: Ints
    scope_from: float
    held_confidence: NDArray[np.float64]
    held_right: Flags
    held_label: Ints
    learned: NDArray[np.uint64]
    parted: dict[bytes, Rows] = field(default_factory=dict, repr=False, compare=False)

    def has_learned(self, text: str) -> bool:
        """Whether it has learned from this very text."""
        digest = digest_of(text)
        at = int(np.searchsorted(self.learned, digest))
        return at < len(self.learned) and bool(self.learned[at] == digest)

    def probabilities(self, texts: Encoded) -> Floats:
        """One probability per text and label."""
        scores = (texts.weights.times(self.weights) + self.bias) * self.sharpness
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        result: Floats = grown / grown.sum(axis=1, keepdims=True)
        return result

    def margins(self, texts: Encoded, labels: Sequence[int]) -> list[float]:
        """How far each text is within the bounds of its label's team (as it was learned); below 0 it is outside."""
        within = texts.weights.times(self.bounds) + self.bound_bias
        found: list[float] = within[np.arange(len(labels)), self.bound_of[labels]].tolist()
        return found

    def nearest(self, texts: Rows, among: NDArray[np.bool_]) -> list[float]:
        """0..1, how near the nearest training text of these labels is to each text (cosine over characters not found
        everywhere). among: one flag per label.
        """
        key = among.tobytes()
        part = self.parted.get(key)
        if part is None:
            part = self.parted[key] = self._part(among)
        return [float(each) * 2 for each in texts.joined(part).largest()]

    def _part(self, among: NDArray[np.bool_]) -> Rows:
        texts = among[self.text_labels]
        kept = texts[self.posting_texts]
        starts = np.concatenate([[0], np.cumsum(kept)])[self.posting_starts].astype(np.int32)
        number = np.cumsum(texts, dtype=np.int32) - 1
        return Rows(starts, number[self.posting_texts[kept]], self.posting_weights[kept], int(texts.sum()))


def digest_of(text: str) -> np.uint64:
    """Of a text that is learned from."""
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()))


def cached(folder: Path, key: str, train: Callable[[], Parameters]) -> Parameters:
    """The stored parameters of this key, trained first where there are none; of several processes one trains."""
    folder.mkdir(parents=True, exist_ok=True)
    file = stored_file(folder, key)
    stored = load(file)
    if stored is not None:
        return stored
    with (folder / "local-model.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = load(file)
        if stored is None:
            log.info("no local model of this data is stored yet: training one, some ten seconds on an idle machine")
            stored = train()
            save(stored, file)
        return stored


def stored_file(folder: Path, key: str) -> Path:
    """Where the parameters of this key are."""
    return folder / f"local-model-{key}.npz"


def save(parameters: Parameters, file: Path) -> None:
    """Write the file whole or not at all: readers see the old one or the new one."""
    meta = {
        "labels": parameters.labels,
        "grams": parameters.vocabulary.grams,
        "sharpness": parameters.sharpness,
        "scope_from": parameters.scope_from,
    }
    arrays = {name: getattr(parameters, name) for name in _ARRAYS if name != "idf"}
    text = np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), dtype=np.uint8)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as target:
            np.savez(target, meta=text, idf=parameters.vocabulary.idf, **arrays)
            target.flush()
            os.fsync(target.fileno())
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def load(file: Path) -> Parameters | None:
    """The stored parameters; None where there are none, or where the file is damaged and has to be made again."""
    try:
        with file.open("rb") as source, np.load(source, allow_pickle=False) as stored:
            # by columns, as some were stored, each product would copy them
            arrays: dict[str, Any] = {name: np.ascontiguousarray(stored[name]) for name in _ARRAYS if name != _NEWEST}
            arrays[_NEWEST] = stored[_NEWEST] if _NEWEST in stored else np.zeros(0, dtype=np.int32)
            meta = json.loads(stored["meta"].tobytes())
        idf = arrays.pop("idf")
        return Parameters(
            labels=tuple(meta["labels"]),
            vocabulary=Vocabulary(meta["grams"], idf),
            sharpness=meta["sharpness"],
            scope_from=meta["scope_from"],
            **arrays,
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None
