"""Trains the local model: multinomial logistic regression over TF-IDF, sharpened on tickets it has not seen; and
beside it what the scope check reads: each team's bounds against all others (a linear SVM) and an index of the texts.

scikit-learn is needed here only. The settings (C, n-gram sizes, thresholds) were chosen by cross-validation on
Banking77's train split; tests/worker/models/local/test_model.py holds what they reach on its test split.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np

from worker.config.errors import LocalModelError
from worker.models.local.features import Encoded, Vocabulary
from worker.models.local.judging import Clauses, judged_texts
from worker.models.local.parameters import Parameters, digest_of
from worker.models.local.scope import REFUSED_SHARE, scope_scores
from worker.models.local.sparse import Ints

ALGORITHM = 5
"""Raise it whenever the same rows come to give other parameters: what is cached is made again then. A test holds what a
few rows give."""

_C = 10.0
_BOUND_C = 0.5
_HELD_OUT_EVERY = 5
_ALL_HELD_OUT_UP_TO = 4_000
"""Rows: of so many each is held out once, by five trials; of more only a fifth is, by one."""

_COMMON_SHARE = 0.2
"""Character n-grams in more than this share of the texts tell little of what is near and cost the most."""


def train(rows: list[tuple[str, str]], team_of: Mapping[str, str]) -> Parameters:
    """Learn from labelled texts; seconds for ten thousand.

    team_of: the team of every label in force; confidence is about teams. Raises `LocalModelError` for fewer than
    two labels, and for a label without a team.
    """
    labels = tuple(sorted({label for _, label in rows}))
    if len(labels) < 2:
        raise LocalModelError("the training data has fewer than two labels")
    refuse_foreign(labels, team_of)
    vocabulary = Vocabulary.learn(text for text, _ in rows)
    encoded = vocabulary.encode([text for text, _ in rows])
    wanted = np.array([labels.index(label) for _, label in rows])
    held = _held_out(wanted)
    sparse = encoded.weights.scipy
    warm = regression()
    trial = _learned(warm, sparse[~held], wanted[~held], labels, vocabulary, team_of)
    unseen = encoded.taken(np.flatnonzero(held).tolist())
    sharpness = _sharpness(trial, unseen, wanted[held], team_of)
    scope_from = _scope_from(replace(trial, sharpness=sharpness), unseen, wanted[held], team_of)

    def proof(trained: Parameters, part: Any) -> tuple[Any, Any, Any]:
        trained = replace(trained, sharpness=sharpness, scope_from=scope_from)
        return _proof(trained, [rows[i][0] for i in np.flatnonzero(part)], wanted[part], team_of)

    proofs = [proof(trial, held)]
    proofs += [
        proof(_learned(regression(), sparse[~part], wanted[~part], labels, vocabulary, team_of), part)
        for part in _more_parts(wanted, held)
    ]
    final = _learned(warm, sparse, wanted, labels, vocabulary, team_of)
    confidence, right, said = (np.concatenate(each) for each in zip(*proofs, strict=True))
    return replace(
        final,
        sharpness=sharpness,
        scope_from=scope_from,
        held_confidence=confidence,
        held_right=right,
        held_label=said,
        learned=np.unique([digest_of(text) for text, _ in rows]),
    )


def library() -> str:
    """The version of scikit-learn, which fits the weights; "" where it is missing."""
    try:
        return metadata.version("scikit-learn")
    except metadata.PackageNotFoundError:
        return ""


def refuse_foreign(labels: tuple[str, ...], team_of: Mapping[str, str]) -> None:
    """Raise `LocalModelError` where a label has no team in the taxonomy in force."""
    foreign = [label for label in labels if label not in team_of]
    if foreign:
        raise LocalModelError(
            f"the training data has {foreign[0]!r} and {len(foreign) - 1} more labels that the taxonomy does not: "
            "train on decisions made with this taxonomy, or choose another model"
        )


def regression() -> Any:
    """The classifier, unfitted. Raises `LocalModelError` without scikit-learn."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise LocalModelError('training the local model needs scikit-learn: pip install "deskhand[local]"') from None
    # the second fit starts from the first one's answer
    return LogisticRegression(C=_C, max_iter=300, tol=3e-4, warm_start=True)


def _held_out(wanted: Any) -> Any:
    """Every fifth row of each label; a label with fewer keeps all of its rows for training."""
    held = np.zeros(len(wanted), dtype=bool)
    for label in np.unique(wanted):
        held[np.flatnonzero(wanted == label)[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]] = True
    return held


def _more_parts(wanted: Any, held: Any) -> list[Any]:
    """What else is held out in turn, where a fifth of the rows would prove little and training is quick."""
    if len(wanted) > _ALL_HELD_OUT_UP_TO:
        return []
    parts = [np.zeros(len(wanted), dtype=bool) for _ in range(_HELD_OUT_EVERY - 1)]
    for label in np.unique(wanted):
        rows = np.flatnonzero((wanted == label) & ~held)
        for number, part in enumerate(parts):
            part[rows[number :: len(parts)]] = len(rows) > len(parts)
    return [part for part in parts if part.any()]


def _proof(trial: Parameters, unseen: list[str], wanted: Any, team_of: Mapping[str, str]) -> tuple[Any, Any, Any]:
    """(confidence, right, suggested label) of unseen tickets, as they would be said; what is unlike the learned is
    never stood by, and neither is that no label fits.
    """
    teams = sorted({team_of[label] for label in trial.labels})
    number_of = np.array([teams.index(team_of[label]) for label in trial.labels])
    found = judged_texts(trial, list(map(Clauses.of, unseen)), number_of)
    stood = [each.familiar and bool(teams[each.team]) for each in found]
    confidence = np.array([round(each.confidence, 4) * by for each, by in zip(found, stood, strict=True)])
    right = [each.team == number_of[label] for each, label in zip(found, wanted, strict=True)]
    return confidence, np.array(right, dtype=np.uint8), np.array([each.label for each in found], dtype=np.int32)


def _learned(
    classifier: Any,
    sparse: Any,
    wanted: Any,
    labels: tuple[str, ...],
    vocabulary: Vocabulary,
    team_of: Mapping[str, str],
) -> Parameters:
    """All but what is measured on held-out texts."""
    weights, bias = _both_sides(classifier.fit(sparse, wanted))
    if len(labels) == 2:  # of one score in each column the softmax would see twice
        weights, bias = weights / 2, bias / 2
    teams = sorted({team_of[label] for label in labels})
    bound_of: Ints = np.array([teams.index(team_of[label]) for label in labels], dtype=np.int32)
    bounds, bound_bias = _bounds(sparse, bound_of[wanted])
    return Parameters(
        labels=labels,
        vocabulary=vocabulary,
        weights=weights.astype(np.float32, order="C"),
        bias=bias.astype(np.float32),
        sharpness=1.0,
        text_labels=wanted.astype(np.int32),
        bounds=bounds.astype(np.float32, order="C"),
        bound_bias=bound_bias.astype(np.float32),
        bound_of=bound_of,
        scope_from=-math.inf,
        held_confidence=np.zeros(0),
        held_right=np.zeros(0, dtype=np.uint8),
        held_label=np.zeros(0, dtype=np.int32),
        learned=np.zeros(0, dtype=np.uint64),
        **_index(sparse.tocsc(), wanted, vocabulary, len(labels)),
    )


def _both_sides(fitted: Any) -> tuple[Any, Any]:
    """Weights and bias with a column for each class: scikit-learn keeps one for two classes."""
    weights, bias = fitted.coef_.T, fitted.intercept_
    return (weights, bias) if len(bias) > 1 else (np.hstack([-weights, weights]), np.array([-bias[0], bias[0]]))


def _bounds(sparse: Any, teams: Any) -> tuple[Any, Any]:
    """Weights and bias of each team against all others; flat for a team that is alone."""
    from sklearn.svm import LinearSVC

    if len(np.unique(teams)) < 2:
        return np.zeros((sparse.shape[1], 1)), np.zeros(1)
    return _both_sides(LinearSVC(C=_BOUND_C, random_state=0).fit(sparse, teams))


def _index(columns: Any, wanted: Any, vocabulary: Vocabulary, labels: int) -> dict[str, Any]:
    """The postings over these texts for `nearest`, and which n-grams the texts of each label hold."""
    counts = np.diff(columns.indptr)
    useful = ~vocabulary.is_word & (counts <= max(1, _COMMON_SHARE * len(wanted)))
    kept = np.repeat(useful, counts)
    seen = np.zeros((len(counts), labels), dtype=np.uint8)
    seen[np.repeat(np.arange(len(counts)), counts), wanted[columns.indices]] = 1
    return {
        "posting_starts": np.concatenate([[0], np.cumsum(np.where(useful, counts, 0))]).astype(np.int32),
        "posting_texts": columns.indices[kept].astype(np.int32),
        "posting_weights": columns.data[kept].astype(np.float32),
        "seen": seen,
    }


def _sharpness(trial: Parameters, unseen: Encoded, wanted: Any, team_of: Mapping[str, str]) -> float:
    """The factor under which the team probabilities of unseen tickets are most honest (least log loss)."""
    if not unseen.words:
        return 1.0
    logs = np.log(trial.probabilities(unseen) + 1e-12)
    teams = np.array([team_of[label] for label in trial.labels])
    own_team = teams[None, :] == teams[wanted][:, None]

    def loss(factor: float) -> float:
        grown = np.exp(logs * factor)
        return -float(np.mean(np.log((grown * own_team).sum(axis=1) / grown.sum(axis=1))))

    return float(min(np.geomspace(0.25, 4.0, 81), key=loss))


def _scope_from(trial: Parameters, unseen: Encoded, wanted: Any, team_of: Mapping[str, str]) -> float:
    """What all but a few of the unseen tickets reach that the trial routes rightly."""
    if not unseen.words:
        return -math.inf
    teams = sorted({team_of[label] for label in trial.labels})
    number_of = np.array([teams.index(team_of[label]) for label in trial.labels])
    chances, own = trial.probabilities(unseen), number_of == number_of[wanted][:, None]
    of_teams = np.stack([chances[:, number_of == team].sum(axis=1) for team in range(len(teams))], axis=1)
    sure = of_teams[np.arange(len(wanted)), number_of[wanted]]
    right = np.flatnonzero(sure >= of_teams.max(axis=1)).tolist()
    best = np.where(own, chances, -1.0).argmax(axis=1)[right].tolist()
    scores = scope_scores(trial, unseen.taken(right), best, sure[right].tolist(), number_of) if right else []
    return float(np.quantile(scores, REFUSED_SHARE)) if scores else -math.inf
