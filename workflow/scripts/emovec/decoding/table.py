"""The rows of decoding.csv that concern one model, or no model at all.

Every contrast (an emotion against neutral, one emotion against another) is decoded on topics that
were held out, and on emotional words that were held out, at the pre-registered depths and at
depth 0, where only the tokens themselves can speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from emovec.activations.streams import Streams
from emovec.audit.text_baseline import SEES, text_baseline
from emovec.decoding.held_out import Decoding, decode_depths
from emovec.io.tables import typed
from emovec.models.depths import nearest_depth
from emovec.prompts.splits import splits
from emovec.statistics.resampling import max_t, sign_flips


def contrasts(emotions: Sequence[str], neutral: str) -> list[tuple[str, str]]:
    """(positive, negative) classes: each emotion against neutral, then emotions in pairs."""
    return [*((emotion, neutral) for emotion in emotions), *combinations(emotions, 2)]


def contrast_name(pair: tuple[str, str], neutral: str) -> str:
    """As in the other tables: an emotion alone is against neutral."""
    return pair[0] if pair[1] == neutral else "-".join(pair)


def decode_model(
    streams: Streams,
    prompts: pd.DataFrame,
    classes: Sequence[str],
    *,
    position: str,
    relative_depths: Sequence[float],
    n_folds: int,
    draws: int,
    alpha: float,
    rng: np.random.Generator,
    direction: str = "native",
) -> pd.DataFrame:
    """Held-out decoding inside one model.

    Parameters
    ----------
    prompts : one row per topic and class, topics in the order of `streams.residual`.
    classes : neutral last.
    direction : what to call the rows at the pre-registered depths, native or untrained.

    p is adjusted for the depths of a contrast by max-T over shared label permutations.
    """
    primary = list(dict.fromkeys(nearest_depth(t, streams.n_layers) for t in relative_depths))
    residual = np.asarray(streams.residual)[:, :, [*primary, 0]]
    signs = sign_flips(residual.shape[1], draws, rng)
    *emotions, neutral = classes
    rows = []
    for pair in contrasts(emotions, neutral):
        index = [list(classes).index(one) for one in pair]
        for split, folds in splits(prompts, pair, n_folds, rng).items():
            start = {"contrast": contrast_name(pair, neutral), "split": split}
            *decodings, at_start = decode_depths(residual, *index, folds, signs, alpha)
            null = np.stack([one.null for one in decodings], axis=1)
            adjusted = max_t([one.auroc for one in decodings], null)
            rows += [
                start | {"direction": direction, "p_adjusted": float(p)} | _row(one, depth)
                for one, depth, p in zip(decodings, primary, adjusted, strict=True)
            ]
            rows.append(start | {"direction": "depth0"} | _row(at_start, 0))
    models = {"train_model": streams.name, "test_model": streams.name, "position": position}
    return typed([row | models for row in rows], "decoding")


def _row(decoding: Decoding, depth: int) -> dict:
    names = ("auroc", "ci_low", "ci_high", "null_low", "null_high", "p", "n_test")
    return {name: getattr(decoding, name) for name in names} | {
        "depth_train": depth,
        "depth_test": depth,
    }


def decode_texts(
    prompts: pd.DataFrame,
    emotions: Sequence[str],
    neutral: str,
    *,
    n_folds: int,
    alpha: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What classifiers reach that see the words, or only the form, of the same sentences."""
    rows = []
    for pair in contrasts(emotions, neutral):
        sentences = [prompts.text[prompts.emotion == name].tolist() for name in pair]
        for split, folds in splits(prompts, pair, n_folds, rng).items():
            for direction in SEES:
                baseline = text_baseline(direction, *sentences, folds)
                low, high = baseline.interval(alpha)
                rows.append(
                    {"direction": direction, "contrast": contrast_name(pair, neutral)}
                    | {"split": split, "auroc": baseline.auroc, "ci_low": low, "ci_high": high}
                    | {"n_test": int(folds.test.sum())}
                )
    return typed(rows, "decoding")
