"""What positions, metrics and methods are called in figures and tables."""

from __future__ import annotations

from emovec.wording.language import N_

POSITION_TITLES = {
    "last": N_("last token"),
    "last_content": N_("last word"),
    "mean": N_("mean over the words"),
    "emotion_word": N_("the emotional word"),
    "suffix": N_("after a fixed neutral suffix"),
}


METHODS = {
    "raw": N_("raw cosine\n(the study's)"),
    "wpc": N_("whitened read-outs\n(corrected)"),
    "ridge": N_("through a linear map\n(corrected)"),
}


METRIC_TITLES = {"raw": N_("raw"), "zstd": N_("z-scored"), "lda": N_("LDA-whitened")}
