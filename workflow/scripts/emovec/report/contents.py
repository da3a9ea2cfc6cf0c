"""What a run found: facts drawn from its tables, and the sentences that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import pandas as pd

from emovec.io.files import slugs
from emovec.prompts.design import written
from emovec.report.between_models import (
    depth_facts,
    map_facts,
    raw_facts,
    raw_lines,
    verdict_facts,
    verdict_lines,
)
from emovec.report.precision import precision_facts, precision_lines
from emovec.report.robustness import (
    choice_lines,
    control_facts,
    published_facts,
    way_lines,
)
from emovec.report.within_model import (
    decoding_facts,
    peaks,
    readable,
    rogue_lines,
    within_facts,
    within_line,
)
from emovec.statistics.unbiased import unlike_cosine
from emovec.wording.language import N_, _
from emovec.wording.numbers import listed, percent
from emovec.wording.remarks import FINDINGS, told


def describe(
    provenance: dict,
    audit: dict,
    tables: dict[str, pd.DataFrame],
    models: Sequence[str],
    untrained: Sequence[str],
) -> dict:
    """All that the report says, from the tables of one run.

    `tables` holds norms, within, cross, maps, decoding, verdicts, published, multiverse and
    ways, and precision where models were run in other number formats.
    """
    config = provenance["config"]
    emotions, primary = config["prompts"]["emotions"], config["statistics"]["position"]
    alpha, neutral = config["statistics"]["alpha"], config["prompts"]["neutral"]
    one_direction = neutral is None and len(emotions) == 2  # with two ends
    compared = len(emotions) > 1 and not one_direction
    margin = config["statistics"]["thresholds"]["margin"]
    within, norms, cross = tables["within"], tables["norms"], tables["cross"]
    positions = list(dict.fromkeys(norms.position))
    described = []
    for name in models:
        attributes = provenance["activations"][name]
        described.append(
            {
                "name": name,
                "untrained": name in untrained,
                **{k: _stated(attributes.get(k)) for k in ("architecture", "license")},
                "space": attributes.get("space", "unknown"),
                **{k: attributes[k] for k in ("n_layers", "d_model")},
                "within": {p: within_facts(within, name, p, emotions, alpha) for p in positions},
                "weights": _weights(provenance, attributes.get("weights_sha256")),
                "rogue": rogue_lines(within, name, positions),
                "peaks": {p: peaks(norms, name, p) for p in positions},
                "readable": readable(within, name, primary, emotions),
                "decoding": decoding_facts(tables["decoding"], name),
            }
        )
    several = len(models) > 1
    formats = precision_facts(tables.get("precision"))
    in_formats = precision_lines(formats, tables["multiverse"])
    verdicts = verdict_facts(tables["verdicts"], models, untrained)
    trained = [name for name in models if name not in untrained]
    return {
        "experiment": config["experiment"],
        "alpha": alpha,
        "level": percent(1 - alpha),
        "reach": NormalDist().inv_cdf(1 - alpha / 2),
        "emotions": emotions,
        "slugs": slugs(emotions),
        "neutral": neutral,
        "classes": written([*emotions, neutral]),
        "one_direction": one_direction,
        "unlike": unlike_cosine(len(emotions), neutral),
        "positions": positions,
        "primary": primary,
        "audit": audit
        | {"findings": [told(FINDINGS, one["code"], one) for one in audit["findings"]]},
        "models": described,
        "raw": {p: raw_facts(cross, p, emotions, models) for p in positions} if several else {},
        "depths": depth_facts(cross, emotions, trained),
        "maps": map_facts(tables["maps"], models, alpha),
        "limits": config["statistics"]["thresholds"],
        "claim_level": percent(1 - 2 * alpha),
        "verdicts": verdicts,
        "margin": margin,
        "controls": control_facts(tables["verdicts"], cross, within, emotions, models, alpha),
        "published": published_facts(tables["published"]),
        "choices": choice_lines(tables["multiverse"]),
        "ways": way_lines(tables["ways"], models, untrained, margin),
        "formats": formats,
        "in_formats": in_formats,
        "provenance": provenance,
        "glance": [
            *(within_line(model, primary, margin) for model in described if compared),
            *verdict_lines(verdicts),
            *(raw_lines(raw_facts(cross, primary, emotions, trained)) if len(trained) > 1 else []),
            *in_formats,
        ],
    }


def _weights(provenance: dict, digest: str | None) -> str:
    """The number formats that a source stores its weights in, those of a hundredth or more."""
    found = (one for one in provenance["models"].values() if one["weights_sha256"] == digest)
    stored = next(found, {}).get("weights", {})
    return listed(f"{name} {percent(round(one, 2))}" for name, one in stored.items() if one >= 0.01)


def _stated(value: str | None) -> str:
    """An attribute of a model; what nobody stated is said in the language spoken."""
    known = {None: N_("unknown"), "unknown": N_("unknown"), "not stated": N_("not stated")}
    return _(known[value]) if value in known else value
