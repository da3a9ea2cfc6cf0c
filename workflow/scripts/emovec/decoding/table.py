"""The rows of decoding.csv that concern one model, or no model at all.

Every contrast (an emotion against neutral or all others, one emotion against another) is decoded on
topics that were held out, and on emotional words that were held out, at the pre-registered depths
and at depth 0, where only the tokens themselves can speak. Beside each AUROC stands how much larger
it is than that of the words, of depth 0 and of the best untrained model.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from emovec.activations.streams import Streams
from emovec.audit.text_baseline import SEES, text_baseline
from emovec.decoding.held_out import Decoding, decode, decode_among
from emovec.io.tables import typed
from emovec.models.depths import nearest_depth
from emovec.prompts.design import cells_of
from emovec.prompts.splits import near_by_head, splits
from emovec.statistics import metrics
from emovec.statistics.arrays import Floats, Mask, centred
from emovec.statistics.clustered import clustered_error
from emovec.statistics.resampling import max_t, shared_out, sign_flips

NOT_INFORMATIVE = "not_informative"
MOST_DRAWS = {"emotions": 100_000, "pairs": 200_000}  # of all contrasts of a kind together


def contrasts(emotions: Sequence[str], neutral: str | None) -> dict[str, tuple[str, ...]]:
    """The classes of each contrast, the positive first; named as in the other tables.

    Each emotion against neutral, or against all others where no class is neutral, then emotions in
    pairs.

    >>> contrasts(["joy", "fear"], None)
    {'joy': ('joy', 'fear'), 'fear': ('fear', 'joy'), 'joy-fear': ('joy', 'fear')}
    """
    others = {
        a: [b for b in emotions if b != a] if neutral is None else [neutral] for a in emotions
    }
    pairs = combinations(emotions, 2)
    return {a: (a, *others[a]) for a in emotions} | {"-".join(pair): pair for pair in pairs}


def decode_model(
    streams: Streams,
    prompts: pd.DataFrame,
    classes: Sequence[str | None],
    *,
    position: str,
    relative_depths: Sequence[float],
    n_folds: int,
    draws: int,
    alpha: float,
    rng: np.random.Generator,
    direction: str = "native",
) -> pd.DataFrame:
    """Held-out decoding inside one model: in the raw metric, and whitened where there is a probe.

    Parameters
    ----------
    prompts : topics in the order of `streams.residual`.
    classes : neutral last, or None.
    direction : what to call the rows at the pre-registered depths, native or untrained.

    p is adjusted for the depths of a contrast by max-T over shared label permutations, of which
    all emotions together have at most 100,000, all pairs of them 200,000.
    """
    primary = list(dict.fromkeys(nearest_depth(t, streams.n_layers) for t in relative_depths))
    mapped = _in_metrics(streams, [*primary, 0])
    signs = sign_flips(np.shape(streams.residual)[1], draws, rng)
    *emotions, neutral = classes
    # in each draw, which class of a topic has the label of the emotion that is told from the rest
    size = (draws, np.shape(streams.residual)[1])
    chosen = rng.integers(len(emotions), size=size) if neutral is None else None
    found, rows = contrasts(emotions, neutral), []
    of_emotions = shared_out(draws, len(emotions), MOST_DRAWS["emotions"])
    of_pairs = shared_out(draws, len(found) - len(emotions), MOST_DRAWS["pairs"])
    texts = {one: cells_of(prompts, one, "text") for one in classes if one is not None}
    for name, compared in found.items():
        some = slice(of_emotions if name in emotions else of_pairs)
        index = [list(classes).index(one) for one in compared]
        sentences = [texts[one] for one in compared]
        near = near_by_head(prompts, compared).any(axis=0)
        for split, folds in splits(prompts, compared, n_folds, rng).items():
            words = text_baseline("bag_of_words", sentences, folds)
            for metric, at in mapped.items():
                start = {"contrast": name, "split": split, "metric": metric}
                *decodings, at_start = (
                    decode(*x[index], folds, signs[some], alpha)
                    if len(index) == 2
                    else decode_among(x[index], folds, chosen[some], alpha)
                    for x in at
                )
                null = np.stack([one.null for one in decodings], axis=1)
                adjusted = max_t([one.auroc for one in decodings], null)
                rows += [
                    start
                    | {"direction": direction, "p_adjusted": float(p)}
                    | _row(one, depth, near)
                    | _columns("words", one.over(words, alpha, near))
                    | _columns("depth0", one.over(at_start, alpha, near))
                    for one, depth, p in zip(decodings, primary, adjusted, strict=True)
                ]
                flag = "" if at_start.measured else NOT_INFORMATIVE
                rows.append(start | {"direction": "depth0", "flag": flag} | _row(at_start, 0, near))
    models = {"train_model": streams.name, "test_model": streams.name, "position": position}
    return typed([row | models for row in rows], "decoding")


def _in_metrics(streams: Streams, depths: Sequence[int]) -> dict[str, list[Floats]]:
    """{metric: [class, topic, d] at each depth}; zeros where sentences differ by rounding alone."""
    residual, probe = np.asarray(streams.residual), np.asarray(streams.probe)
    found = {}
    for name in ("raw", "lda") if len(probe) else ("raw",):
        found[name] = []
        for depth in depths:
            x = metrics.fit(name, probe[:, depth]).apply(residual[:, :, depth])
            rows = residual[:, :, depth].reshape(-1, streams.width)
            constant = not centred(rows.astype(float)).any()
            found[name].append(np.zeros_like(x) if constant else x)
    return found


def _row(decoding: Decoding, depth: int, near: Mask) -> dict:
    names = ("auroc", "ci_low", "ci_high", "null_low", "null_high", "p", "n_test")
    return {name: getattr(decoding, name) for name in names} | {
        "depth_train": depth,
        "depth_test": depth,
        "se": float(clustered_error(decoding.left_out, near)[0]) if decoding.measured else np.nan,
    }


def _columns(name: str, cells: Sequence) -> dict:
    parts = ("", "_low", "_high", "_p")
    return {f"over_{name}{part}": cell for part, cell in zip(parts, cells, strict=True)}


def beside_untrained(
    decoding: pd.DataFrame, untrained: Collection[str], alpha: float
) -> pd.DataFrame:
    """How much larger each AUROC of a trained model is than the best of the `untrained` ones.

    The best is the largest over those models and their pre-registered depths, for the same
    contrast, position, split and metric. The models read the same sentences, so adding their
    variances is rather too cautious.
    """
    keys = ["contrast", "position", "split", "metric"]
    directions, own = decoding["direction"], decoding[decoding["direction"] == "native"]
    random = decoding[(directions == "untrained") & decoding["test_model"].isin(untrained)]
    best = random.sort_values("auroc", kind="stable").drop_duplicates(keys, keep="last")
    other = own[keys].merge(best, on=keys, how="left").set_index(own.index)
    value, error = own["auroc"] - other["auroc"], np.hypot(own["se"], other["se"])
    # topics less one; an emotion and all others are more than two sentences of each
    df = own["n_test"].astype(float).min() / 2 - 1
    reach = stats.t.ppf(1 - alpha / 2, df) * error
    ends = (value - reach).clip(lower=-1), (value + reach).clip(upper=1)
    p = stats.t.sf(value / error.where(error > 0), df)
    columns = _columns("untrained", (value, *ends, p))
    return decoding.assign(
        **{name: pd.Series(cell, own.index, dtype=float) for name, cell in columns.items()}
    )


def decode_texts(
    prompts: pd.DataFrame,
    emotions: Sequence[str],
    neutral: str | None,
    *,
    n_folds: int,
    alpha: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What classifiers reach that see the words, or only the form, of the same sentences."""
    rows = []
    for name, compared in contrasts(emotions, neutral).items():
        sentences = [cells_of(prompts, one, "text") for one in compared]
        for split, folds in splits(prompts, compared, n_folds, rng).items():
            for direction in SEES:
                baseline = text_baseline(direction, sentences, folds)
                low, high = baseline.interval(alpha)
                rows.append(
                    {"direction": direction, "contrast": name}
                    | {"split": split, "auroc": baseline.auroc, "ci_low": low, "ci_high": high}
                    | {"n_test": int(folds.test.sum())}
                )
    return typed(rows, "decoding")
