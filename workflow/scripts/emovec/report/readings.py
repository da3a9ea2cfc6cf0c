"""What was read of some sentences, token by token."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def reading_facts(tables: Iterable[pd.DataFrame]) -> list[dict]:
    """Each sentence as models read it at each position, the tokens read in ⟦brackets⟧."""
    models: dict[tuple[str, str, str], list[str]] = {}
    for table in tables:
        sentences = table.fillna({"text": ""}).groupby(
            ["model", "position", "prompt_id"], sort=False
        )
        for (model, position, prompt), rows in sentences:
            text = "".join(map(_drawn, rows.text, rows.read))
            models.setdefault((position, prompt, text), []).append(model)
    return [
        {"models": alike, "position": position, "text": text}
        for (position, _, text), alike in models.items()
    ]


def _drawn(text: str, read: bool) -> str:
    text = text.replace("\n", "↵")
    return f"⟦{text}⟧" if read else text
