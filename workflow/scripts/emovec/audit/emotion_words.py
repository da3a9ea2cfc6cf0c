"""Emotion words: how many carry an emotion, and whether the probe is free of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from emovec.audit.ledger import LIMITS, Ledger
from emovec.prompts.splits import IMPLICIT


def heads(ledger: Ledger, prompts: pd.DataFrame, emotions: Sequence[str]) -> None:
    """How many lexical heads carry each emotion, and how common the most common is."""
    if "phrase" not in prompts:
        ledger.find("no_phrases")
        return
    for name in emotions:
        phrases = prompts["phrase"][prompts["emotion"] == name]
        heads = Counter(phrases[~phrases.isin(("", IMPLICIT))])
        ledger.note("heads", name, "share_implicit", float((phrases == IMPLICIT).mean()))
        limit = LIMITS["min_heads"]
        if not ledger.least("heads", name, "n_heads", len(heads), limit):
            ledger.find("few_heads", emotion=name, n=len(heads), limit=limit)
        head, count = heads.most_common(1)[0] if heads else ("", 0)
        share = count / len(phrases)
        if not ledger.most("heads", name, "share_most_common", share, LIMITS["max_head_share"]):
            ledger.find("common_head", head=head, share=share, emotion=name)


def probe_words(
    ledger: Ledger, prompts: pd.DataFrame, probe: pd.DataFrame, emotions: Sequence[str]
) -> None:
    """Emotion words of the prompts that occur in the probe, which should be neutral."""
    if "emotion_word" not in prompts:
        return
    marked = prompts["emotion"].isin(emotions) & prompts["emotion_word"].ne("")
    if "phrase" in prompts:  # the spans of implicit sentences are ordinary words
        marked &= prompts["phrase"].ne(IMPLICIT)
    spans = sorted(set(prompts["emotion_word"][marked].str.casefold()))
    hits: list[tuple[str, str]] = []
    if spans:
        either = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, spans))})(?!\w)")
        for row, text in zip(probe["id"], probe["text"].str.casefold(), strict=True):
            hits.extend((row, match) for match in either.findall(text))
    if not ledger.most("probe_words", "probe", "emotion_words", len(hits), 0):
        row, word = hits[0]
        ledger.find("probe_words", n=len(hits), word=word, example=row)
