"""The methods that compare two models; `pair.measure` applies them."""

from __future__ import annotations

from dataclasses import dataclass

from emovec.registry import Kind, registry


@dataclass(frozen=True)
class Method(Kind):
    """How its rows are told from others in the tables, and what they may be used for."""

    stat: str = "cos_u"
    method: str = ""  # in the column of that name, where it is not the name
    directed: bool = False  # whether mapping a onto b differs from mapping b onto a
    whole: bool = False  # compares representations, not directions

    @property
    def column(self) -> str:
        return self.method or self.name


METHODS = registry(
    Method("raw", "raw cosine", stat="cos_naive"),
    Method("canonical", "common axes", stat="cos_s"),
    Method("wpc", "whitened read-outs"),
    Method("ridge", "linear map", directed=True),
    Method(
        "ridge_unwhitened",
        "map to the raw stream",
        stat="cos_u_unwhitened",
        method="ridge",
        directed=True,
    ),
    Method("procrustes", "rotation"),
    Method("cka_debiased", "CKA of neutral sentences", stat="cka", whole=True),
)
