"""Everything that is said about one model alone: the rows of within_model_similarity.csv.

Contrasts are named by what they compare: "gratitude" is gratitude − neutral, "gratitude-anger" one
emotion less another, "common" the mean emotion − neutral. A statistic of one contrast leaves
emotion_b empty. All depths, metrics and contrasts share their random draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from emovec import inference, metric, similarity
from emovec.similarity import Floats, Mask, cosine, mean_defined, ratio

COLUMNS = [
    *("model", "position", "depth", "relative_depth", "metric", "emotion_a", "emotion_b", "stat"),
    *("value", "ci_low", "ci_high", "null_low", "null_high", "null", "p", "p_adjusted"),
    *("family", "n_topics", "gate_ok", "flag"),
]
MOST_RELABELINGS = 1_999  # each costs as much as twenty flips
THRESHOLDS = {"reliability": 0.5}

SIGN_FLIP = "sign flip"
RELABELING = "label permutation"
ZERO = "zero (jackknife t)"

NO_DIFFERENCE = "no difference between the classes"
NO_SPREAD = "undefined: the sentences do not differ"
NO_NORM = "undefined: a squared norm is not positive"
DOMINATED = "rogue_dominated"
AVERAGED = "mean over depths"
DRAWN = ("flipped", "relabeled")  # fields of _Measured whose first axis is the draw


@dataclass(frozen=True)
class _Plan:
    """What is the same at every metric of a position."""

    classes: list[str]
    emotions: list[str]
    weights: Floats  # [emotion, class], of emotion − neutral
    signs: NDArray[np.int8]  # [flip, topic]
    relabeled: NDArray[np.int8]  # [relabeling, emotion, class, topic]
    halves: Floats  # [split, half, topic]
    alpha: float
    reliability: float

    @property
    def pairs(self) -> NDArray[np.int64]:
        """[2, pair], indices of emotions."""
        pairs = list(combinations(range(len(self.emotions)), 2))
        return np.array(pairs, dtype=np.int64).reshape(-1, 2).T

    @property
    def contrasts(self) -> Floats:
        """[contrast, emotion]: each emotion against neutral, then the pairs, between emotions."""
        against = np.eye(len(self.emotions))
        return np.vstack([against, against[self.pairs[0]] - against[self.pairs[1]]])

    @property
    def names(self) -> list[str]:
        return self.emotions + ["-".join(pair) for pair in self.pair_names]

    @property
    def pair_names(self) -> list[tuple[str, str]]:
        return [(self.emotions[a], self.emotions[b]) for a, b in self.pairs.T]


@dataclass(frozen=True)
class _Measured:
    """Inner products of the contrasts with neutral in one metric; all others follow from them."""

    naive: Floats  # [depth, emotion, emotion], as the next two
    u: Floats
    trace: Floats
    loo_naive: Floats  # [depth, emotion, emotion, topic], as the next two
    loo_u: Floats
    loo_trace: Floats
    flipped: Floats  # U of the norms [draw, depth, contrast]
    relabeled: Floats  # [draw, depth, emotion, emotion]
    halved: Floats  # [depth, emotion, emotion, split, half, half]
    spectra: Floats  # [depth, class, (evr_pc1, d_eff)]
    rogues: list[list[metric.Rogue]]  # [depth][emotion]; none in the lda metric
    resolved: Mask  # [depth, contrast]: above rounding errors


@dataclass(frozen=True)
class _Block:
    """One statistic at all depths; arrays are [depth, item] and pairs of them (low, high)."""

    stat: str
    items: list[tuple[str, str]]  # emotion_a, emotion_b
    value: Floats
    ci: tuple[Floats, Floats] | None = None
    band: tuple[Floats, Floats] | None = None
    null: str = ""
    p: Floats | None = None
    p_adjusted: Floats | None = None
    family: NDArray[np.object_] | str = ""
    gate: Mask | None = None
    flag: NDArray[np.object_] | str = ""

    def frame(self, depths: Sequence[int | None]) -> pd.DataFrame:
        shape = self.value.shape
        low, high = self.ci or (np.nan, np.nan)
        null_low, null_high = self.band or (np.nan, np.nan)
        columns = {
            "depth": np.array(depths, dtype=object)[:, None],
            "emotion_a": np.array([a for a, _ in self.items], dtype=object),
            "emotion_b": np.array([b for _, b in self.items], dtype=object),
            "stat": self.stat,
            "value": self.value,
            "ci_low": low,
            "ci_high": high,
            "null_low": null_low,
            "null_high": null_high,
            "null": self.null,
            "p": np.nan if self.p is None else self.p,
            "p_adjusted": np.nan if self.p_adjusted is None else self.p_adjusted,
            "family": self.family,
            "gate_ok": np.array(None) if self.gate is None else self.gate.astype(object),
            "flag": self.flag,
        }
        return pd.DataFrame(
            {name: np.broadcast_to(column, shape).ravel() for name, column in columns.items()}
        )


def within_model(
    residual: ArrayLike,
    probe: ArrayLike,
    classes: Sequence[str],
    neutral: str,
    rng: np.random.Generator,
    *,
    model: str,
    position: str,
    metrics: Sequence[str] = metric.METRICS,
    flips: int = 9_999,
    relabelings: int | None = None,
    splits: int = 100,
    alpha: float = 0.05,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> pd.DataFrame:
    """The within-model table of one position, with the columns `COLUMNS`.

    Parameters
    ----------
    residual
        `[class, topic, depth, d_model]`, depths 0..L, classes in the order of `classes`.
    probe
        `[sentence, depth, d_model]`: the map half, on which the metrics are fitted.

    Rows without a depth average depths 0..L−1, as the original study did: `cos_naive` as the
    mean of the cosines, `cos_u` as the ratio of means. The gate is open where the contrasts of
    the row have at least the reliability `thresholds["reliability"]` and pass the sign-flip test
    at `alpha`, adjusted for all depths and contrasts of their kind (against neutral, or between
    emotions). By default there are as many relabelings as flips, but at most 1,999.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    residual, probe = np.asarray(residual), np.asarray(probe)
    if residual.ndim != 4 or len(residual) != len(classes):
        raise ValueError(
            f"residual must be [class, topic, depth, d_model] with {len(classes)} classes, "
            f"not {list(residual.shape)}"
        )
    if probe.ndim != 3 or probe.shape[1:] != residual.shape[2:]:
        raise ValueError(
            "probe must be [sentence, depth, d_model] with the last two axes of residual, "
            f"{list(residual.shape[2:])}, not {list(probe.shape)}"
        )
    _, n_topics, n_depths, _ = residual.shape
    weights = similarity.against_neutral(classes, neutral)
    draws = min(flips, MOST_RELABELINGS) if relabelings is None else relabelings
    labels = inference.relabelings(len(classes), n_topics, draws, rng)
    plan = _Plan(
        classes=list(classes),
        emotions=[one for one in classes if one != neutral],
        weights=weights,
        signs=inference.sign_flips(n_topics, flips, rng),
        relabeled=inference.relabeled_weights(
            weights.astype(np.int8), labels, list(classes).index(neutral)
        ),
        halves=similarity.halves(n_topics, splits, rng),
        alpha=alpha,
        reliability=thresholds["reliability"],
    )
    frames = []
    for name in metrics:
        measured = _measure(residual, probe, name, plan)
        family = f"{position}/{name}"
        norms, gate = _norm_blocks(measured, plan, family)
        blocks = [
            *_cosine_blocks(measured, plan, family, gate),
            *norms,
            _common_block(measured, plan, gate),
            *_diagnostic_blocks(measured, plan),
        ]
        frame = pd.concat([block.frame(range(n_depths)) for block in blocks])
        average = pd.concat([block.frame([None]) for block in _averages(measured, plan, family)])
        frames += [frame.assign(metric=name), average.assign(metric=name)]
    table = pd.concat(frames, ignore_index=True)
    table = table.assign(model=model, position=position, n_topics=n_topics)
    table["depth"] = table["depth"].astype("Int64")
    table["relative_depth"] = table["depth"].astype("Float64") / max(n_depths - 1, 1)
    table["gate_ok"] = table["gate_ok"].astype("boolean")
    return table[COLUMNS]


def _measure(residual: NDArray, probe: NDArray, name: str, plan: _Plan) -> _Measured:
    depths = range(residual.shape[2])
    found = [
        _at_depth(metric.fit(name, probe[:, depth]).apply(residual[:, :, depth]), name, plan)
        for depth in depths
    ]
    stacked = {
        field: np.stack([one[field] for one in found], axis=int(field in DRAWN))
        for field in found[0]
        if field != "rogues"
    }
    return _Measured(**stacked, rogues=[one["rogues"] for one in found])


def _at_depth(x: Floats, name: str, plan: _Plan) -> dict:
    """The fields of `_Measured` at one depth, from `x[class, topic, d_model]`."""
    centred = x - x[:1, :1]
    centred -= centred.mean(axis=(0, 1))
    d = similarity.differences(x, plan.weights)
    rogues = [] if name == "lda" else [metric.rogue(one) for one in d.mean(axis=1)]
    d = similarity.coordinates(d.reshape(-1, d.shape[-1])).reshape(*d.shape[:2], -1)
    relabeled = inference.relabeled_inner(d, plan.relabeled)
    lengths = (np.tensordot(plan.contrasts, d, axes=1) ** 2).sum(axis=(1, 2))
    resolved = lengths > similarity.RESOLUTION * (centred**2).sum()
    d = d * resolved[: len(plan.emotions), None, None]
    whole, left = similarity.products(d), similarity.left_out(d)
    return {
        "naive": similarity.inner(whole),
        "u": similarity.inner_u(whole),
        "trace": similarity.trace_cov(whole),
        "loo_naive": similarity.inner(left),
        "loo_u": similarity.inner_u(left),
        "loo_trace": similarity.trace_cov(left),
        "flipped": inference.flipped_norm2_u(np.tensordot(plan.contrasts, d, axes=1), plan.signs),
        "relabeled": relabeled,
        "halved": similarity.half_products(d, plan.halves),
        "spectra": np.array([metric.spectrum(one) for one in x]),
        "rogues": rogues,
        "resolved": resolved,
    }


def _norms(products: Floats, plan: _Plan, axis: int) -> Floats:
    """Squared norms: the axes [emotion, emotion] from `axis` on become [contrast]."""
    square = np.einsum("ce,cf->efc", plan.contrasts, plan.contrasts)
    moved = np.moveaxis(products, (axis, axis + 1), (0, 1))
    return np.moveaxis(np.tensordot(square, moved, axes=([0, 1], [0, 1])), 0, axis)


def _products(products: Floats, plan: _Plan, axis: int) -> Floats:
    """Inner products: the axes [emotion, emotion] from `axis` on become [pair]."""
    moved = np.moveaxis(products, (axis, axis + 1), (0, 1))
    return np.moveaxis(moved[tuple(plan.pairs)], 0, axis)


def _cosines(products: Floats, plan: _Plan, axis: int) -> Floats:
    """Cosines: the axes [emotion, emotion] from `axis` on become [pair]."""
    norms = np.moveaxis(np.diagonal(products, axis1=axis, axis2=axis + 1), -1, 0)
    a, b = plan.pairs
    pairs = np.moveaxis(_products(products, plan, axis), axis, 0)
    return np.moveaxis(cosine(pairs, norms[a], norms[b]), 0, axis)


def _norm_blocks(m: _Measured, plan: _Plan, family: str) -> tuple[list[_Block], Mask]:
    """Lengths and reliabilities of every contrast; and gate[depth, contrast].

    All are tested by the sign flips of U: for given sentences, each grows with it.
    """
    n, n_emotions = m.loo_u.shape[-1], len(plan.emotions)
    keep = m.resolved
    naive, u, trace = (_norms(one, plan, 1) * keep for one in (m.naive, m.u, m.trace))
    loo_naive, loo_u, loo_trace = (
        _norms(one, plan, 1) * keep[..., None] for one in (m.loo_naive, m.loo_u, m.loo_trace)
    )
    flipped = m.flipped * keep
    square = n * naive + (n - 1) * trace  # tr G, which a flip leaves as it is
    flipped_naive = (1 - 1 / n) * flipped + square / n**2
    flipped_trace = (square - n * flipped_naive) / (n - 1)

    p = inference.p_value(u, flipped)
    kinds = slice(0, n_emotions), slice(n_emotions, None)
    p_adjusted = np.hstack([inference.max_t(u[:, kind], flipped[..., kind]) for kind in kinds])
    reliability = ratio(u, naive)
    gate = (reliability >= plan.reliability) & (p_adjusted < plan.alpha)

    estimates = {
        "norm2_naive": (naive, loo_naive, flipped_naive),
        "norm2_u": (u, loo_u, flipped),
        "s_hat": (ratio(u, trace), ratio(loo_u, loo_trace), ratio(flipped, flipped_trace)),
        "reliability": (reliability, ratio(loo_u, loo_naive), ratio(flipped, flipped_naive)),
    }
    families = [f"{family}: signal against neutral", f"{family}: signal between emotions"]
    shared = {
        "items": [(name, "") for name in plan.names],
        "family": np.repeat(families, [n_emotions, keep.shape[1] - n_emotions]).astype(object),
        "gate": gate,
        "flag": np.where(keep, "", NO_DIFFERENCE).astype(object),
    }
    blocks = [
        _Block(
            stat,
            value=value,
            ci=inference.jackknife_interval(value, loo, plan.alpha),
            band=inference.band(null, plan.alpha),
            null=SIGN_FLIP,
            p=p,
            p_adjusted=p_adjusted,
            **shared,
        )
        for stat, (value, loo, null) in estimates.items()
    ]
    half = np.where(keep, similarity.split_half(_norms(m.halved, plan, 1)), np.nan)
    return [*blocks, _Block("split_half", value=half, **shared | {"family": ""})], gate


def _cosine_blocks(m: _Measured, plan: _Plan, family: str, gate: Mask) -> list[_Block]:
    """The likeness of every pair of emotions; kappa is what cos_naive tends to without effect."""
    a, b = plan.pairs
    keep = m.resolved[:, a] & m.resolved[:, b]
    rogue = np.array([[one.dominated for one in row] for row in m.rogues], dtype=bool)
    if not rogue.size:
        rogue = np.zeros((len(gate), len(plan.emotions)), dtype=bool)
    shared = {"items": plan.pair_names, "gate": gate[:, a] & gate[:, b]}

    def flags(values: Floats) -> NDArray[np.object_]:
        dominated = np.where(rogue[:, a] | rogue[:, b], DOMINATED, "")
        defined = np.where(np.isnan(values), NO_NORM, dominated)
        return np.where(keep, defined, NO_DIFFERENCE).astype(object)

    naive, relabeled = _cosines(m.naive, plan, 1), _cosines(m.relabeled, plan, 2)
    kappa, loo_kappa = _cosines(m.trace, plan, 1), _cosines(m.loo_trace, plan, 1)
    ip, n_emotions = _products(m.u, plan, 1), len(plan.emotions)
    # a·b from the norms of a, b and a − b
    flipped = (m.flipped[..., a] + m.flipped[..., b] - m.flipped[..., n_emotions:]) / 2
    cos, loo = _cosines(m.u, plan, 1), _cosines(m.loo_u, plan, 1)
    p = inference.jackknife_p(cos, loo)
    return [
        _Block(
            "cos_naive",
            value=naive,
            ci=inference.jackknife_interval(
                naive, _cosines(m.loo_naive, plan, 1), plan.alpha, fisher_z=True
            ),
            band=inference.band(relabeled, plan.alpha),
            null=RELABELING,
            p=inference.p_value(naive, relabeled, "two-sided"),
            p_adjusted=inference.max_t(naive, relabeled, "two-sided"),
            family=f"{family}: cos_naive",
            flag=flags(naive),
            **shared,
        ),
        _Block(
            "kappa",
            value=kappa,
            ci=inference.jackknife_interval(kappa, loo_kappa, plan.alpha, fisher_z=True),
            flag=flags(kappa),
            items=plan.pair_names,
        ),
        _Block(
            "ip_u",
            value=ip,
            ci=inference.jackknife_interval(ip, _products(m.loo_u, plan, 1), plan.alpha),
            band=inference.band(flipped, plan.alpha),
            null=SIGN_FLIP,
            p=inference.p_value(ip, flipped, "two-sided"),
            p_adjusted=inference.max_t(ip, flipped, "two-sided"),
            family=f"{family}: ip_u",
            flag=flags(ip),
            **shared,
        ),
        _Block(
            "cos_u",
            value=cos,
            ci=inference.jackknife_interval(cos, loo, plan.alpha, fisher_z=True),
            null=ZERO,
            p=p,
            p_adjusted=inference.holm(p.ravel()).reshape(p.shape),
            family=f"{family}: cos_u",
            flag=flags(cos),
            **shared,
        ),
    ]


def _common_block(m: _Measured, plan: _Plan, gate: Mask) -> _Block:
    value = similarity.common_share(m.u)
    loo = similarity.common_share(np.moveaxis(m.loo_u, -1, 1))
    low, high = inference.jackknife_interval(value, loo, plan.alpha)
    n_emotions = len(plan.emotions)
    return _Block(
        "common_share",
        items=[("common", "")],
        value=value[:, None],
        ci=(low[:, None], high[:, None]),
        gate=gate[:, :n_emotions].all(axis=1, keepdims=True),
        flag=np.where(np.isnan(value), NO_NORM, "")[:, None].astype(object),
    )


def _diagnostic_blocks(m: _Measured, plan: _Plan) -> list[_Block]:
    """Few dimensions, or one, that would decide every cosine."""
    classes = [(name, "") for name in plan.classes]
    flag = np.where(np.isnan(m.spectra[..., 0]), NO_SPREAD, "")
    blocks = [
        _Block(stat, items=classes, value=m.spectra[..., i], flag=flag.astype(object))
        for i, stat in enumerate(("evr_pc1", "d_eff"))
    ]
    if not m.rogues[0]:
        return blocks
    keep = m.resolved[:, : len(plan.emotions)]

    def block(stat: str, share: str, flags: list[list[str]]) -> _Block:
        shares = np.array([[getattr(one, share) for one in row] for row in m.rogues])
        flag = np.where(keep, np.array(flags, dtype=object), NO_DIFFERENCE)
        items = [(name, "") for name in plan.emotions]
        return _Block(stat, items=items, value=np.where(keep, shares, np.nan), flag=flag)

    dominated = [[DOMINATED if one.dominated else "" for one in row] for row in m.rogues]
    dims = [[" ".join(map(str, one.dims)) for one in row] for row in m.rogues]
    return [
        *blocks,
        block("rogue_share1", "share1", dominated),
        block("rogue_share3", "share3", [[""] * len(row) for row in m.rogues]),
        block("rogue_dims", "share3", dims),
    ]


def _averages(m: _Measured, plan: _Plan, family: str) -> list[_Block]:
    """Over depths 0..L−1: the mean of cos_naive, the ratio of means of cos_u."""
    depths = slice(0, max(len(m.u) - 1, 1))
    a, b = plan.pairs

    cosines = _cosines(m.naive, plan, 1)[depths]
    naive = mean_defined(cosines, axis=0)
    loo_naive = mean_defined(_cosines(m.loo_naive, plan, 1)[depths], axis=0)
    relabeled = mean_defined(_cosines(m.relabeled, plan, 2)[:, depths], axis=1)
    absent = np.isnan(cosines).sum(axis=0)
    flag = [AVERAGED + (f"; {count} undefined" if count else "") for count in absent]

    u, loo_u = m.u[depths].mean(axis=0), m.loo_u[depths].mean(axis=0)
    cos, loo = _cosines(u, plan, 0), _cosines(loo_u, plan, 0)
    p = inference.jackknife_p(cos, loo)
    norms, flipped = np.diagonal(u), m.flipped[:, depths, : len(plan.emotions)].mean(axis=1)
    signal = inference.max_t(norms, flipped) < plan.alpha
    reliable = ratio(norms, np.diagonal(m.naive[depths].mean(axis=0))) >= plan.reliability
    gate = (signal & reliable)[a] & (signal & reliable)[b]

    def row(pair: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        return pair[0][None], pair[1][None]

    shared = {"items": plan.pair_names, "gate": gate[None]}
    return [
        _Block(
            "cos_naive",
            value=naive[None],
            ci=row(inference.jackknife_interval(naive, loo_naive, plan.alpha, fisher_z=True)),
            band=row(inference.band(relabeled, plan.alpha)),
            null=RELABELING,
            p=inference.p_value(naive, relabeled, "two-sided")[None],
            p_adjusted=inference.max_t(naive, relabeled, "two-sided")[None],
            family=f"{family}: cos_naive, mean over depths",
            flag=np.array(flag, dtype=object),
            **shared,
        ),
        _Block(
            "cos_u",
            value=cos[None],
            ci=row(inference.jackknife_interval(cos, loo, plan.alpha, fisher_z=True)),
            null=ZERO,
            p=p[None],
            p_adjusted=inference.holm(p)[None],
            family=f"{family}: cos_u, mean over depths",
            flag=AVERAGED,
            **shared,
        ),
    ]
