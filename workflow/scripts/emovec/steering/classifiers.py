"""Score texts with a text classifier from a folder, such as one that was fetched from the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from emovec.errors import InputError
from emovec.io.job import progress
from emovec.models.loading import load_weights
from emovec.prompts.tokenizer import check_known, panics_told
from emovec.steering.texts import one_line, words_of

TEXTS = 32  # of a batch


def chosen_labels(name: str, settings: dict, known: Sequence[str]) -> list[str]:
    """The labels whose scores are kept: those asked for, or all that the classifier knows.

    Raises
    ------
    InputError
        If the settings `steering.classifiers.{name}` name a label that it does not know.
    """
    asked = settings.get("labels", list(known))
    for key, labels in (("labels", asked), ("targets", settings["targets"].values())):
        for label in labels:
            if label not in known:
                raise InputError(
                    f"config: steering.classifiers.{name}.{key} names {label!r}, which is no label "
                    f"of this classifier: its labels are {', '.join(known)}."
                )
    return asked


@dataclass(frozen=True)
class Classifier:
    """A text classifier with the names of its outputs."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: Sequence[str]
    problem_type: str | None  # as its configuration says

    def scores(self, texts: Sequence[str]) -> pd.DataFrame:
        """Scores of each text, one column for each label; NaN where a text has no word.

        Probabilities of labels that exclude one another (softmax); of each label by itself
        (sigmoid) where the problem is `multi_label_classification` or there is but one label; as
        the model puts them out where it is `regression`. A text longer than the classifier can
        read is cut at its end.

        Raises
        ------
        InputError
            If the tokenizer breaks down, or gives a token that the model lacks.
        """
        found = np.full((len(texts), len(self.labels)), np.nan, dtype="f4")
        rows = [row for row, text in enumerate(texts) if words_of(text)]
        size = TEXTS if self._pads() else 1
        starts = range(0, len(rows), size)
        for start in progress(starts, len(starts), "batches"):
            batch = rows[start : start + size]
            found[batch] = self._read([one_line(texts[row]) for row in batch])
        return pd.DataFrame(found, columns=list(self.labels))

    def _pads(self) -> bool:
        """A decoder finds the last token of a text by the padding after it."""
        pad = self.tokenizer.pad_token_id
        return pad is not None and pad == self.model.config.get_text_config().pad_token_id

    def _read(self, texts: list[str]) -> np.ndarray:
        with panics_told():
            tokens = self.tokenizer(
                texts,
                padding=len(texts) > 1,
                padding_side="right",
                truncation=True,
                max_length=self._longest(),
                return_tensors="pt",
            ).to(self.model.device)
        check_known(
            tokens.input_ids.flatten().tolist(),
            self.model.get_input_embeddings().num_embeddings,
            "A text",
            f"the classifier in {self.model.name_or_path}",
        )
        with torch.inference_mode():
            logits = self.model(**tokens).logits.float()
        if self.problem_type == "regression":
            return logits.cpu().numpy()
        if self.problem_type == "multi_label_classification" or len(self.labels) == 1:
            return logits.sigmoid().cpu().numpy()
        return logits.softmax(-1).cpu().numpy()

    def _longest(self) -> int | None:
        """Tokens that it can read; None where nothing but its tokenizer may know."""
        config = self.model.config.get_text_config()
        context = getattr(config, "max_position_embeddings", None)
        return min(self.tokenizer.model_max_length, context) if context else None


def load_classifier(folder: Path, device: str, manifest: dict) -> Classifier:
    """The classifier of a folder in float32, with what its manifest says of its outputs.

    Raises
    ------
    InputError
        If it cannot be loaded, or its weights do not fit its configuration.
    """
    model = load_weights(AutoModelForSequenceClassification, folder, "float32")
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    return Classifier(
        model.to(device).eval(), tokenizer, manifest["labels"], manifest["problem_type"]
    )
