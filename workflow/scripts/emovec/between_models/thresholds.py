"""The pre-registered limits of every gate and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from emovec.between_models.methods import METHODS
from emovec.errors import InputError

JOINT = tuple(name for name, method in METHODS.items() if method.joint)


@dataclass(frozen=True)
class Thresholds:
    """The pre-registered limits of every gate and test."""

    alpha: float = 0.05
    reliability: float = 0.7  # of both directions, in the space they are compared in
    control_reliability: float = 0.5  # of an attribute that enters the control null
    map_r2: float = 0.1
    map_p: float = 0.01
    equivalence: float = 0.2  # smallest cosine of interest
    positive_control: float = 0.5  # share of matched attributes that must beat the null
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
