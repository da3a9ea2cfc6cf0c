"""The pre-registered limits of the verdicts; docs/method.md says why each is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from emovec.errors import InputError


@dataclass(frozen=True)
class Thresholds:
    """The pre-registered limits of the verdicts."""

    alpha: float = 0.05
    cosine_of_interest: float = 0.4
    reliability: float = 0.5  # of both directions, in the axes they are compared in
    matched: float = 0.7  # median cosine of ordinary attributes with themselves
    equivalence: float = 0.2
    margin: float = 0.9  # cosine from which on two directions are as good as one
    transfer_quantile: float = 0.975  # of random directions

    @classmethod
    def of(cls, limits: Mapping[str, float]) -> Thresholds:
        """Thresholds with some limits replaced.

        Raises
        ------
        InputError
            If a name is not known.
        """
        known = [item.name for item in fields(cls)]
        if unknown := sorted(set(limits) - set(known)):
            raise InputError(f"There is no threshold {unknown[0]!r}: known are {', '.join(known)}.")
        return cls(**limits)


DEFAULTS = Thresholds()
