"""All that the page of a run lets readers look around in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from emovec.explorer.between_models import depths_panel, verdicts_panel
from emovec.explorer.components import parts_panel
from emovec.explorer.pairs import pairs_panel
from emovec.explorer.panel import Panel
from emovec.explorer.texts import texts_panel, tokens_panel
from emovec.explorer.within_model import within_panel


def panels(
    tables: Mapping[str, pd.DataFrame],
    tokens: Sequence[pd.DataFrame],
    texts: Sequence[pd.DataFrame],
    parts: Sequence[Sequence[pd.DataFrame]],
    prompts: pd.DataFrame | None,
    models: Sequence[str],
    emotions: Sequence[str],
    level: str,
    alpha: float,
    position: str,
) -> list[Panel]:
    """Every panel that the tables of a run have rows for.

    Parameters
    ----------
    tables : `within`, `cross` and `verdicts`.
    tokens : tables `token_projections` of the models that were run.
    texts : from `written_texts`.
    parts : tables `components`, `attention` and `typical` of the models that were taken apart.
    prompts : the sentences, if there are emotions enough to choose among.
    level : what intervals and bands cover, in words.
    alpha : the level of the tests.
    position : the primary one.
    """
    found = [
        within_panel(tables["within"], models, emotions, level, position),
        *(
            [pairs_panel(prompts, tables["within"], models, emotions, position)]
            if prompts is not None
            else []
        ),
        *([tokens_panel(pd.concat(tokens, ignore_index=True))] if tokens else []),
        *([parts_panel(*parts, alpha)] if parts[0] else []),
        depths_panel(tables["cross"], emotions, position),
        verdicts_panel(tables["verdicts"], models),
        *([texts_panel(texts)] if texts else []),
    ]
    return [panel for panel in found if len(panel.rows)]
