"""From how many emotions on their places are compared; the rules ask this without loading more."""

FEWEST = 6  # fewer have too few orders for a p below 0.05 after correction
