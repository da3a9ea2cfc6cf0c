"""How often the max-T test of steering finds an effect where there is none.

Emotions and controls are directions alike: each has an effect on every word set, whose odd part
correlates between sets by `r`, and an even part that lowers all. One control serves all members of
a null draw, while each emotion has a direction of its own.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from emovec.statistics.resampling import max_t

EMOTIONS, EVEN = 3, 0.5


def rate(controls: int, r: float, families: int, rng: np.random.Generator) -> float:
    """The share of families with an adjusted p of 0.05 or less."""
    correlated = np.linalg.cholesky(np.full((EMOTIONS, EMOTIONS), r) + (1 - r) * np.eye(EMOTIONS))
    found = 0
    for _ in range(families):
        odd = rng.standard_normal((controls + EMOTIONS, EMOTIONS)) @ correlated.T
        even = EVEN * np.abs(rng.standard_normal(odd.shape))
        up, down = odd - even, odd + even  # of +v, and of −v with its sign turned
        own = [(controls + e, e) for e in range(EMOTIONS)]
        observed = [*(up[at] for at in own), *(down[at] for at in own)]
        null = np.concatenate([up[:controls], -up[:controls]], axis=1)
        found += bool((max_t(observed, null) <= 0.05).any())
    return found / families


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    for controls in (20, 60):
        for r in (0, 0.5, 0.95):
            print(f"{controls} controls, r {r}: {rate(controls, r, asked.families, rng):.3f}")
