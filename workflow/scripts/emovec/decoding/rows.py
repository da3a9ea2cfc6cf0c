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
from emovec.decoding.decode import Decoding, decode
from emovec.decoding.folds import Folds, phrase_folds, topic_folds
from emovec.decoding.texts import bag_of_words_auroc, nuisance_auroc
from emovec.io.tables import typed
from emovec.models.depths import nearest_depth
from emovec.statistics.resampling import max_t, sign_flips


def contrasts(emotions: Sequence[str], neutral: str) -> list[tuple[str, str]]:
    """(positive, negative) classes: each emotion against neutral, then emotions in pairs."""
    return [*((emotion, neutral) for emotion in emotions), *combinations(emotions, 2)]


def contrast_name(pair: tuple[str, str], neutral: str) -> str:
    """As in the other tables: an emotion alone is against neutral."""
    return pair[0] if pair[1] == neutral else "-".join(pair)


def splits(
    prompts: pd.DataFrame, pair: tuple[str, str], n_folds: int, rng: np.random.Generator
) -> dict[str, Folds]:
    """Folds by topic, and by phrase where the prompts have enough phrases.

    Folds are fewer where there are too few topics or phrases for as many as asked for.
    """
    n_topics = prompts.topic.nunique()
    found = {"topic": topic_folds(n_topics, min(n_folds, n_topics // 2), rng)}
    if "phrase" in prompts:
        # a sentence without a phrase, as a neutral one, has an empty cell
        labels = [
            [label or None for label in prompts.phrase[prompts.emotion == name]] for name in pair
        ]
        fewest = min((len(set(row) - {None}) for row in labels if any(row)), default=0)
        if fewest >= 2:
            found["phrase"] = phrase_folds(labels, min(n_folds, fewest))
    return found


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
    signs = sign_flips(streams.residual.shape[1], draws, rng)
    *emotions, neutral = classes
    tables = []
    for pair in contrasts(emotions, neutral):
        index = [list(classes).index(one) for one in pair]
        name = contrast_name(pair, neutral)
        for split, folds in splits(prompts, pair, n_folds, rng).items():
            found = {
                depth: decode(*streams.residual[index, :, depth], folds, signs, alpha)
                for depth in [*primary, 0]
            }
            null = np.stack([found[depth].null for depth in primary], axis=1)
            adjusted = max_t(np.array([found[depth].auroc for depth in primary]), null)
            rows = [
                _row(found[depth], streams.name, direction, name, split, depth)
                | {"p_adjusted": float(p)}
                for depth, p in zip(primary, adjusted, strict=True)
            ]
            rows.append(_row(found[0], streams.name, "depth0", name, split, 0))
            tables.append(pd.DataFrame(rows))
    table = pd.concat(tables, ignore_index=True)
    return typed(table.assign(position=position), "decoding")


def _row(
    found: Decoding,
    model: str,
    direction: str,
    contrast: str,
    split: str,
    depth: int,
) -> dict:
    return {
        "train_model": model,
        "test_model": model,
        "direction": direction,
        "contrast": contrast,
        "depth_train": depth,
        "depth_test": depth,
        "split": split,
        **{
            name: getattr(found, name)
            for name in ("auroc", "ci_low", "ci_high", "null_low", "null_high", "p", "n_test")
        },
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
            for direction, classify in (
                ("bag_of_words", bag_of_words_auroc),
                ("nuisance", nuisance_auroc),
            ):
                auroc, low, high = classify(*sentences, folds, alpha)
                rows.append(
                    {"direction": direction, "contrast": contrast_name(pair, neutral)}
                    | {"split": split, "auroc": auroc, "ci_low": low, "ci_high": high}
                    | {"n_test": int(folds.test.sum())}
                )
    return typed(rows, "decoding")
