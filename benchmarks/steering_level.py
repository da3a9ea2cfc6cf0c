"""How often the tests of steering find an effect: where there is none, and where there is one.

Emotions and controls are directions alike. At each depth a direction moves every set of words by
its component along what that set is read from (`r`: how far the sets, `depths`: how far the depths
agree in that), in proportion to its strength, and besides lowers all sets by an even part. In the
worlds named *common* all emotions share a component that raises the words of all of them; in those
named *planted* each raises its own by `gain` standard deviations of what controls do. Where kinds
of control differ, they do so by what they do on average and how much, and the emotions of a family
are like one of the kinds.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from emovec.steering.families import corrected

EVEN, STRENGTHS, ALPHA = 0.5, np.array([0.25, 0.5, 1.0]), 0.05
KINDS_OF_CONTROL = 3


def correlated(n: int, r: float, shape: tuple, rng: np.random.Generator) -> np.ndarray:
    """Normal numbers `[n, *shape]` of variance 1, each two of the n correlated by r."""
    shared = rng.standard_normal(shape)
    return np.sqrt(r) * shared + np.sqrt(1 - r) * rng.standard_normal((n, *shape))


def world(
    emotions: int, controls: int, r: float, depths: float, common: float, gain: float,
    tails: float, differ: float, rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Effects `[emotion, measure, cell]` and `[control, measure, cell]`, and kinds of controls."""
    n = controls + emotions
    kept = correlated(emotions, r, (n,), rng)  # what all depths share, [measure, direction]
    odd = np.sqrt(depths) * kept + np.sqrt(1 - depths) * correlated(emotions, r, (3, n), rng
        ).transpose(1, 0, 2)  # fmt: skip
    odd = odd.transpose(2, 1, 0)  # [direction, measure, depth]
    if tails:
        odd *= np.sqrt(tails / rng.chisquare(tails, (n, 1, 1)))  # some directions do more of all
    kinds = np.repeat(np.arange(KINDS_OF_CONTROL), -(-controls // KINDS_OF_CONTROL))[:controls]
    like = np.concatenate([np.full(emotions, rng.integers(KINDS_OF_CONTROL)), kinds]) - 1
    odd = odd * (1 + differ / 2 * like)[:, None, None] + differ * like[:, None, None]
    odd[:emotions] += common + gain * np.eye(emotions)[..., None]
    even = EVEN * np.abs(rng.standard_normal((n, 1, 3)))
    cells = (odd - even)[..., None] * STRENGTHS
    cells = cells.reshape(n, emotions, -1)
    return cells[:emotions], cells[emotions:], kinds


def rates(families: int, rng: np.random.Generator, emotions: int, controls: int, **kind) -> tuple:
    """Shares of families with any whole and any own effect, and of emotions with both."""
    places = [(e, e) for e in range(emotions)]
    whole = own = both = 0
    for _ in range(families):
        p = corrected(*world(emotions, controls, rng=rng, **kind), places).min(axis=1)
        found = p <= ALPHA  # [emotion, part]
        whole += found[:, 0].any()
        own += found[:, 1].any()
        both += found.all(axis=1).sum()
    return whole / families, own / families, both / families / emotions


KINDS = {
    "nothing": {},
    "nothing, words alike": {"r": 0.9},
    "nothing, depths alike": {"depths": 0.9},
    "nothing, heavy tails": {"tails": 4},
    "nothing, kinds differ": {"differ": 0.8},
    "nothing, 10 emotions": {"emotions": 10},
    "nothing, 60 controls": {"controls": 60},
    "common alone": {"common": 4.0},
    "planted, 3 deviations": {"gain": 3.0},
    "planted, 4 deviations": {"gain": 4.0},
    "planted, 4 deviations, 60 controls": {"gain": 4.0, "controls": 60},
    "planted, 5 deviations": {"gain": 5.0},
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    usual = {"emotions": 3, "controls": 210, "r": 0.3, "depths": 0.5, "common": 0.0, "gain": 0.0}
    print("| world | whole, any | own, any | emotions with both |\n|---|---|---|---|")
    for name, kind in KINDS.items():
        rng = np.random.default_rng([asked.seed, *name.encode()])
        found = rates(asked.families, rng, **{**usual, "tails": 0, "differ": 0, **kind})
        print(f"| {name} |", " | ".join(f"{rate:.3f}" for rate in found), "|", flush=True)
