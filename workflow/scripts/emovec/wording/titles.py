"""What positions, metrics and methods are called in figures and tables."""

from __future__ import annotations

from emovec.wording.language import N_

METHODS = {
    "raw": N_("raw cosine\n(the study's)"),
    "wpc": N_("whitened read-outs\n(corrected)"),
    "ridge": N_("through a linear map\n(corrected)"),
}
