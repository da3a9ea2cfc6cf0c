"""The conditions of steering: which direction, at which depth, how strongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emovec.steering.controls import CONTROLS
from emovec.steering.directions import EMOTION, Directions


@dataclass(frozen=True)
class Condition:
    """One way to steer; `direction` is a row of the directions, −1 for none."""

    operation: str  # none, add, remove, or a way to ask
    kind: str
    name: str
    direction: int
    depth: int
    strength: float  # in median lengths of the stream; 0 unless something is added
    sign: int

    def columns(self) -> dict[str, object]:
        """The cells that tell this condition in a table."""
        return {
            "operation": self.operation,
            "kind": self.kind,
            "direction": self.name,
            "depth": self.depth,
            "strength": self.strength,
            "sign": self.sign,
        }


CONDITION_COLUMNS = ["operation", "kind", "direction", "depth", "strength", "sign"]


UNSTEERED = Condition("none", "baseline", "baseline", -1, 0, 0.0, 0)


def conditions(
    directions: Directions,
    depths: Sequence[int],
    strengths: Sequence[float],
    *,
    kinds: Sequence[str] = (EMOTION, *CONTROLS),
    remove: bool = True,
) -> list[Condition]:
    """All conditions at these depths and strengths.

    Emotions are added with both signs. Controls with one: a control direction has no sign of its
    own, so what it does is a null for −v as much as for v.
    """
    found = []
    for depth in depths:
        for row, (kind, name) in enumerate(zip(directions.kinds, directions.names, strict=True)):
            if kind not in kinds or not directions.norms[row, directions.depths.index(depth)] > 0:
                continue
            for strength in strengths:
                for sign in (1, -1) if kind == EMOTION else (1,):
                    found.append(Condition("add", kind, name, row, depth, float(strength), sign))
            if remove and (kind == EMOTION or CONTROLS[kind].removable):
                found.append(Condition("remove", kind, name, row, depth, 0.0, 0))
    return found


def to_read(
    directions: Directions, strengths: Sequence[float], choice: dict | None
) -> list[Condition]:
    """What read-outs are made of; carried directions go where the model's own ones were chosen."""
    if choice is not None:
        return conditions(directions, directions.depths, [choice["strength"]], remove=False)
    return conditions(directions, directions.depths, sorted(strengths))


def to_show(directions: Directions, controls: Sequence[str], choice: dict) -> list[Condition]:
    """What the examples are written under: nothing, emotions with both signs, one control."""
    written = to_write(directions, [choice["strength"]], controls, choice)
    shown = [one for one in written if one.operation != "remove"]
    own = [one for one in shown if one.kind in (UNSTEERED.kind, EMOTION)]
    return own + [one for one in shown if one not in own][:1]


def to_write(
    directions: Directions, strengths: Sequence[float], controls: Sequence[str], choice: dict
) -> list[Condition]:
    """What writes texts, at the depth chosen: nothing, emotions, some controls at that strength."""
    at = [choice["depth"]]
    kinds = [kind for kind in CONTROLS if kind in controls]
    return [
        UNSTEERED,
        *conditions(directions, at, sorted(strengths), kinds=[EMOTION]),
        *conditions(directions, at, [choice["strength"]], kinds=kinds, remove=False),
    ]
