"""The card of exported vectors: where they come from, how good they are, and where to use them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from emovec.vectors.formats import FORMATS

SITE = (
    "residual stream; depth 0 is before the first block, depth k after block k - 1 (from 0), "
    "always before the final norm"
)


DEFINITION = "mean over topics of the emotion less the mean of {neutral}"  # or of ALL


ALL = "all emotions"


def card(
    owner: dict,
    reading: dict,
    tables: Mapping[str, pd.DataFrame],
    emotions: Sequence[str],
    stream_norm: np.ndarray,
    files: list[dict],
    *,
    steering: tuple[dict, pd.DataFrame] | None = None,
    alpha: float,
    untrained: bool,
) -> dict:
    """Everything a stranger must know before using the vectors of one model.

    Parameters
    ----------
    owner : from `formats.identity`.
    reading : how the sentences were read, and the digests of what was read.
    tables : norms, within, decoding (of this model alone) and texts (the baselines without one).
    stream_norm : `[depth]`, the median length of the residual stream over the prompts.
    files : name, format and digest of each file.
    steering : the depth and strength chosen and the read-outs of the next token, if it was steered.

    Undefined numbers are null.
    """
    position = owner["position"]
    return {
        "schema_version": owner["schema_version"],
        "model": {
            k: v for k, v in owner.items() if k not in ("position", "space", "schema_version")
        },
        "reading": {"site": SITE, "position": position, "space": owner["space"]} | reading,
        "untrained": untrained,
        "stream_norm": _numbers(stream_norm),
        "emotions": {
            emotion: about(emotion, position, tables, alpha, untrained)
            | {"steering": steering_chosen(emotion, *steering) if steering else None}
            for emotion in emotions
        },
        "files": [file | {"use": FORMATS[file["format"]].title} for file in files],
    }


def about(
    emotion: str,
    position: str,
    tables: Mapping[str, pd.DataFrame],
    alpha: float,
    untrained: bool,
) -> dict:
    """One emotion: norms and reliability by depth, AUROC at the tested depths, flags, advice."""
    norms = tables["norms"]
    lengths = norms[
        (norms.emotion == emotion) & (norms.position == position) & (norms.norm == "l2")
    ]
    within = tables["within"]
    within = within[
        (within.emotion_a == emotion)
        & within.emotion_b.isna()
        & (within.position == position)
        & within.depth.notna()
    ]
    reliable = within[within.stat == "reliability"]
    rogue = within[(within.stat == "rogue_share1") & (within.metric == "raw")]
    decoded = tables["decoding"]
    decoded = decoded[decoded.contrast == emotion]
    raw = decoded[decoded.metric == "raw"]  # that of the exported vectors
    texts = tables["texts"]
    texts = texts[texts.contrast == emotion]
    depth = recommended_depth(reliable, raw, alpha) if not untrained else None
    return {
        "norm": _numbers(lengths.value),
        "norm_by_chance": _numbers(lengths.chance),
        "reliability": {
            metric: _rows(rows, ["depth", "value", "ci_low", "ci_high", "p_adjusted", "gate_ok"])
            for metric, rows in reliable.groupby("metric", sort=False)
            if metric != "zstd"
        },
        "decoding": _rows(
            decoded.rename(columns={"depth_test": "depth"}),
            ["depth", "split", "metric", "auroc", "ci_low", "ci_high", "null_high", "p_adjusted"],
        ),
        "texts": _rows(texts, ["direction", "split", "auroc", "ci_low", "ci_high"]),
        "flags": flags(raw, texts, rogue, depth, untrained),
        "recommended": advice(depth, reliable, raw, untrained),
    }


def recommended_depth(reliable: pd.DataFrame, decoded: pd.DataFrame, alpha: float) -> int | None:
    """The tested depth at which the emotion is told best in held-out sentences.

    Candidates have an open gate (reliability and sign flips) in the raw metric, that of the
    exported vectors, and an AUROC beyond its null, corrected for depths, in every split. Of these
    the highest AUROC in the hardest split wins; None if there is none.
    """
    raw = reliable[(reliable.metric == "raw") & reliable.gate_ok]
    tested = decoded[decoded.direction != "depth0"]
    found = []
    for depth, rows in tested.groupby("depth_test"):
        if depth > 0 and depth in set(raw.depth) and (rows.p_adjusted < alpha).all():
            found.append((rows.auroc.min(), -int(depth)))
    return -max(found)[1] if found else None


def advice(
    depth: int | None, reliable: pd.DataFrame, decoded: pd.DataFrame, untrained: bool
) -> dict:
    """Where the emotion is read best, and what speaks for it."""
    if depth is None:
        why = (
            "an untrained model: what is told apart here are tokens, not emotions"
            if untrained
            else "no tested depth has a reliable vector that decodes held-out sentences"
        )
        return {"depth": None, "reason": why}
    raw = reliable[(reliable.metric == "raw") & (reliable.depth == depth)].iloc[0]
    rows = decoded[(decoded.depth_test == depth) & (decoded.direction != "depth0")]
    return {
        "depth": depth,
        "reason": "the highest held-out AUROC, in the hardest split, of the tested depths with a "
        "reliable vector; chosen among them, so rather too high. It is evidence of decoding, not "
        "of steering",
        "reliability": _number(raw.value),
        "auroc": {row.split: _number(row.auroc) for row in rows.itertuples()},
    }


def flags(
    decoded: pd.DataFrame,
    texts: pd.DataFrame,
    rogue: pd.DataFrame,
    depth: int | None,
    untrained: bool,
) -> list[str]:
    """What may be mistaken for the emotion, one sentence each; empty if nothing was found."""
    said = []
    if untrained:
        said.append("The model is untrained.")
    before = decoded[(decoded.direction == "depth0") & (decoded.split == "topic")]
    for row in before.itertuples():
        if row.auroc > row.null_high:
            said.append(
                f"Tokens alone give it away: AUROC {row.auroc:.2f} at depth 0, beyond "
                f"{row.null_high:.2f} by chance."
            )
    form = texts[(texts.direction == "nuisance") & (texts.split == "topic")]
    for row in form.itertuples():
        if row.ci_low > 0.5:
            said.append(
                "Length, commas, first word and final character alone give it away: AUROC "
                f"{row.auroc:.2f}, at least {row.ci_low:.2f}."
            )
    if depth is not None:
        best = decoded[(decoded.depth_test == depth) & (decoded.direction != "depth0")]
        words = texts[texts.direction == "bag_of_words"].set_index("split").auroc
        for row in best.itertuples():
            if row.split in words and words[row.split] >= row.auroc:
                said.append(
                    f"With the {row.split} held out, a bag of words does as well: AUROC "
                    f"{words[row.split]:.2f} beside {row.auroc:.2f} at depth {depth}."
                )
        if (rogue.flag[rogue.depth == depth] == "rogue_dominated").any():
            said.append(f"One dimension carries more than half of the vector at depth {depth}.")
    return said


def steering_chosen(emotion: str, choice: dict, read_outs: pd.DataFrame) -> dict:
    """The depth and strength chosen by steering, and `alpha`: the factor of the exported vector.

    `strength` is the length added, in medians of the stream's length over the openings; `score` how
    much emotions raise their own words beside the other emotions, in nats, averaged over the
    model's emotions; `kl` the mean change of the next-token distribution in nats.
    """
    rows = read_outs[
        (read_outs.kind == "emotion")
        & (read_outs.direction == emotion)
        & (read_outs.operation == "add")
        & (read_outs.sign == 1)
        & (read_outs.depth == choice["depth"])
        & (read_outs.strength == choice["strength"])
    ]
    kept = ("depth", "strength", "score", "kl", "within_max_kl")
    return {name: choice[name] for name in kept} | {"alpha": _number(rows.alpha.iloc[0])}


def _number(value: float) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _numbers(values: Sequence[float] | np.ndarray | pd.Series) -> list[float | None]:
    return [_number(float(value)) for value in values]


def _rows(table: pd.DataFrame, columns: list[str]) -> list[dict]:
    """Rows as JSON: whole numbers as such, undefined as null."""
    return [
        {
            name: value.item() if hasattr(value, "item") else value
            for name, value in ((n, None if pd.isna(v) else v) for n, v in row.items())
        }
        for row in table[columns].to_dict("records")
    ]
