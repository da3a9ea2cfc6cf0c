"""Statistics of one model as blocks of rows of within_model_similarity.csv."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emovec.io.tables import SEPARATOR
from emovec.statistics import corrections, resampling, unbiased
from emovec.statistics.arrays import Floats, Mask, mean_defined
from emovec.within_model.measure import Lengths, Measured, Plan, pair_cosines, pair_products

SIGN_FLIP, RELABELING, ZERO = "sign_flip", "label_permutation", "zero"


UNLIKE, FIXED = "equidistant", "by_construction"


NO_DIFFERENCE, NO_NORM, NO_SPREAD = "no_difference", "norm_not_positive", "sentences_alike"


DOMINATED, AVERAGED = "rogue_dominated", "mean_over_depths"


@dataclass(frozen=True)
class Block:
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
    more: Mapping[str, object] = field(default_factory=dict)  # columns of this statistic alone

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
            **self.more,
        }
        return pd.DataFrame(
            {name: np.broadcast_to(column, shape).ravel() for name, column in columns.items()}
        )


def norm_blocks(of: Lengths, plan: Plan, family: str) -> tuple[list[Block], Mask]:
    """Lengths and reliabilities of contrasts; and gate[depth, contrast].

    All are tested by the sign flips of U: for given sentences, each grows with it.
    """
    n, keep = of.loo_u.shape[-1], of.resolved
    naive, u, trace = (one * keep for one in (of.naive, of.u, of.trace))
    loo_naive, loo_u, loo_trace = (
        one * keep[..., None] for one in (of.loo_naive, of.loo_u, of.loo_trace)
    )
    flipped = of.flipped * keep
    square = n * naive + (n - 1) * trace  # tr G, which a flip leaves as it is
    flipped_naive = (1 - 1 / n) * flipped + square / n**2
    flipped_trace = (square - n * flipped_naive) / (n - 1)

    p, p_adjusted = resampling.p_value(u, flipped), resampling.max_t(u, flipped)
    reliability = unbiased.reliability(u, naive)
    gate = (reliability >= plan.reliability) & (p_adjusted < plan.alpha)

    estimates = {
        "norm2_naive": (naive, loo_naive, flipped_naive),
        "norm2_u": (u, loo_u, flipped),
        "s_hat": tuple(
            unbiased.s_hat(*each)
            for each in ((u, trace), (loo_u, loo_trace), (flipped, flipped_trace))
        ),
        "reliability": (
            reliability,
            unbiased.reliability(loo_u, loo_naive),
            unbiased.reliability(flipped, flipped_naive),
        ),
    }
    shared = {
        "items": [(name, "") for name in of.names],
        "gate": gate,
        "flag": np.where(keep, "", NO_DIFFERENCE).astype(object),
    }
    blocks = [
        Block(
            stat,
            value=value,
            ci=resampling.jackknife_interval(value, loo, plan.alpha, near=of.near),
            band=resampling.band(null, plan.alpha),
            null=SIGN_FLIP,
            p=p,
            p_adjusted=p_adjusted,
            family=f"{family}: {of.kind}",
            **shared,
        )
        for stat, (value, loo, null) in estimates.items()
    ]
    half = np.where(keep, unbiased.split_half(of.halved), np.nan)
    return [*blocks, Block("split_half", value=half, **shared)], gate


def cosine_blocks(m: Measured, plan: Plan, family: str, gate: Mask) -> list[Block]:
    """The cosines of every pair of emotions where pairs are told; `gate[depth, emotion]` of all."""
    m, shared, flags = _pairs(m, plan, gate)
    naive, relabeled = pair_cosines(m.naive, plan, 1), pair_cosines(m.relabeled, plan, 2)
    cos, loo = pair_cosines(m.u, plan, 1), pair_cosines(m.loo_u, plan, 1)
    p = resampling.jackknife_p(cos - plan.unlike, loo, plan.near_in_pairs)
    clusters = {"alpha": plan.alpha, "near": plan.near_in_pairs}
    return [
        Block(
            "cos_naive",
            value=naive,
            ci=resampling.jackknife_interval(
                naive, pair_cosines(m.loo_naive, plan, 1), fisher_z=True, **clusters
            ),
            band=resampling.band(relabeled, plan.alpha),
            null=RELABELING,
            p=resampling.p_value(naive, relabeled, "two-sided"),
            p_adjusted=resampling.max_t(naive, relabeled, "two-sided"),
            family=f"{family}: cos_naive",
            flag=flags(naive),
            **shared,
        ),
        Block(
            "cos_u",
            value=cos,
            ci=resampling.jackknife_interval(cos, loo, **clusters),
            **_unlike(plan),
            p=p,
            p_adjusted=corrections.holm(p.ravel()).reshape(p.shape),
            family=f"{family}: cos_u",
            flag=flags(cos),
            **shared,
        ),
    ]


def product_blocks(m: Measured, plan: Plan, family: str, gate: Mask) -> list[Block]:
    """The inner products of every pair, and kappa, what cos_naive tends to without any effect."""
    m, shared, flags = _pairs(m, plan, gate)
    kappa, loo_kappa = pair_cosines(m.trace, plan, 1), pair_cosines(m.loo_trace, plan, 1)
    ip, loo_ip = pair_products(m.u, plan, 1), pair_products(m.loo_u, plan, 1)
    a, b = plan.pairs
    # a·b from the norms of a, b and a − b
    flipped = (m.flipped[..., a] + m.flipped[..., b] - m.flipped[..., len(plan.emotions) :]) / 2
    clusters = {"alpha": plan.alpha, "near": plan.near_in_pairs}
    return [
        Block(
            "kappa",
            value=kappa,
            ci=resampling.jackknife_interval(kappa, loo_kappa, fisher_z=True, **clusters),
            flag=flags(kappa),
            items=plan.pair_names,
        ),
        Block(
            "ip_u",
            value=ip,
            ci=resampling.jackknife_interval(ip, loo_ip, **clusters),
            band=resampling.band(flipped, plan.alpha),
            null=SIGN_FLIP,
            p=resampling.p_value(ip, flipped, "two-sided"),
            p_adjusted=resampling.max_t(ip, flipped, "two-sided"),
            family=f"{family}: ip_u",
            flag=flags(ip),
            **shared,
        ),
    ]


def _pairs(
    m: Measured, plan: Plan, gate: Mask
) -> tuple[Measured, dict, Callable[[Floats], NDArray[np.object_]]]:
    """What was measured where pairs are told, what their blocks share, flags of their values."""
    a, b = plan.pairs
    m, gate = m.at(plan.told), gate[plan.told]
    keep = m.resolved[:, a] & m.resolved[:, b]
    rogue = np.array([[one.dominated for one in row] for row in m.rogues], dtype=bool)
    if not rogue.size:
        rogue = np.zeros((len(gate), len(plan.emotions)), dtype=bool)

    def flags(values: Floats) -> NDArray[np.object_]:
        dominated = np.where(rogue[:, a] | rogue[:, b], DOMINATED, "")
        defined = np.where(np.isnan(values), NO_NORM, dominated)
        return np.where(keep, defined, NO_DIFFERENCE).astype(object)

    return m, {"items": plan.pair_names, "gate": gate[:, a] & gate[:, b]}, flags


def _unlike(plan: Plan) -> dict:
    """The null of a corrected cosine."""
    if plan.unlike == 0:
        return {"null": ZERO}
    return {"null": UNLIKE, "band": (np.float64(plan.unlike), np.float64(plan.unlike))}


def less_fixed(table: pd.DataFrame, n_emotions: int) -> pd.DataFrame:
    """The table without the numbers that differences from the mean of all emotions have anyhow.

    These sum to 0, so that emotions have nothing in common; two of them are one direction with two
    ends, whose cosine is −1.
    """
    stats = {"common_share"}
    if n_emotions == 2:
        stats |= {"cos_naive", "cos_u", "kappa", "ip_u", "distinct"}
    fixed = table["stat"].isin(stats)
    empty = {
        "value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "null_low": np.nan,
        "null_high": np.nan, "p": np.nan, "p_adjusted": np.nan, "null": "", "family": "",
        "gate_ok": False, "n_undefined": np.nan, "flag": FIXED,
    }  # fmt: skip
    return table.assign(**{name: table[name].mask(fixed, cell) for name, cell in empty.items()})


def common_block(m: Measured, plan: Plan, gate: Mask) -> Block:
    """How much of their squared length the emotions have in common."""
    value = unbiased.common_share(m.u)
    loo = unbiased.common_share(np.moveaxis(m.loo_u, -1, 1))
    low, high = resampling.jackknife_interval(value, loo, plan.alpha, near=plan.near.any(axis=0))
    return Block(
        "common_share",
        items=[("common", "")],
        value=value[:, None],
        ci=(low[:, None], high[:, None]),
        gate=gate.all(axis=1, keepdims=True),
        flag=np.where(np.isnan(value), NO_NORM, "")[:, None].astype(object),
    )


def diagnostic_blocks(m: Measured, plan: Plan) -> list[Block]:
    """Few dimensions, or one, that would decide every cosine."""
    classes = [(name, "") for name in plan.classes]
    flag = np.where(np.isnan(m.spectra[..., 0]), NO_SPREAD, "")
    blocks = [
        Block(stat, items=classes, value=m.spectra[..., i], flag=flag.astype(object))
        for i, stat in enumerate(("evr_pc1", "d_eff"))
    ]
    if not m.rogues[0]:
        return blocks
    keep = m.resolved[:, : len(plan.emotions)]

    def block(stat: str, share: str, code: str = "", **more: object) -> Block:
        shares = np.array([[getattr(one, share) for one in row] for row in m.rogues])
        dominated = [[code if one.dominated else "" for one in row] for row in m.rogues]
        flag = np.where(keep, np.array(dominated, dtype=object), NO_DIFFERENCE)
        items = [(name, "") for name in plan.emotions]
        return Block(stat, items, np.where(keep, shares, np.nan), flag=flag, more=more)

    dims = [[" ".join(map(str, one.dims)) for one in row] for row in m.rogues]
    dims = np.where(keep, np.array(dims, dtype=object), "")
    return [
        *blocks,
        block("rogue_share1", "share1", DOMINATED),
        block("rogue_share3", "share3"),
        block("rogue_dims", "share3", dimensions=dims),
    ]


def averages(m: Measured, plan: Plan, family: str) -> list[Block]:
    """Over depths 0..L−1: the mean of cos_naive, the ratio of means of cos_u."""
    depths = slice(0, max(len(m.u) - 1, 1))
    a, b = plan.pairs

    clusters = {"alpha": plan.alpha, "near": plan.near_in_pairs}
    cosines = pair_cosines(m.naive, plan, 1)[depths]
    naive = mean_defined(cosines, axis=0)
    loo_naive = mean_defined(pair_cosines(m.loo_naive, plan, 1)[depths], axis=0)
    relabeled = mean_defined(pair_cosines(m.relabeled, plan, 2)[:, depths], axis=1)
    absent = np.isnan(cosines).sum(axis=0)
    some = SEPARATOR.join((AVERAGED, "undefined_depths"))
    flag = np.where(absent > 0, some, AVERAGED).astype(object)

    u, loo_u = m.u[depths].mean(axis=0), m.loo_u[depths].mean(axis=0)
    cos, loo = pair_cosines(u, plan, 0), pair_cosines(loo_u, plan, 0)
    p = resampling.jackknife_p(cos - plan.unlike, loo, plan.near_in_pairs)
    lengths, flipped = np.diagonal(u), m.flipped[:, depths, : len(plan.emotions)].mean(axis=1)
    signal = resampling.max_t(lengths, flipped) < plan.alpha
    reliable = (
        unbiased.reliability(lengths, np.diagonal(m.naive[depths].mean(axis=0))) >= plan.reliability
    )
    gate = (signal & reliable)[a] & (signal & reliable)[b]

    def row(pair: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        return pair[0][None], pair[1][None]

    shared = {"items": plan.pair_names, "gate": gate[None]}
    return [
        Block(
            "cos_naive",
            value=naive[None],
            ci=row(resampling.jackknife_interval(naive, loo_naive, fisher_z=True, **clusters)),
            band=row(resampling.band(relabeled, plan.alpha)),
            null=RELABELING,
            p=resampling.p_value(naive, relabeled, "two-sided")[None],
            p_adjusted=resampling.max_t(naive, relabeled, "two-sided")[None],
            family=f"{family}: cos_naive, mean over depths",
            flag=flag,
            more={"n_depths": len(cosines), "n_undefined": absent},
            **shared,
        ),
        Block(
            "cos_u",
            value=cos[None],
            ci=row(resampling.jackknife_interval(cos, loo, **clusters)),
            **_unlike(plan),
            p=p[None],
            p_adjusted=corrections.holm(p)[None],
            family=f"{family}: cos_u, mean over depths",
            flag=AVERAGED,
            more={"n_depths": len(cosines), "n_undefined": 0},
            **shared,
        ),
    ]
