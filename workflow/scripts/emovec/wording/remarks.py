"""What the codes of tables and of the audit mean: each code with its sentence.

A place in a sentence is a column of the row that holds the code, or a value beside it in
audit.json; `!t` marks a place whose value is itself a phrase to be told in the language spoken.
"""

from __future__ import annotations

import string
from collections.abc import Mapping

import pandas as pd

from emovec.io.tables import SEPARATOR
from emovec.wording.language import N_, _
from emovec.wording.numbers import clauses

FLAGS = {
    "as_mean": N_("the same as the difference of means"),
    "attention_sink": N_("first token: an attention sink"),
    "attribute_unreliable": N_("attribute not reliable enough"),
    "axes_unrelated": N_("axes of two models do not correspond"),
    "component_a": N_("one component carries {component_a:.0%} of {model_a}"),
    "component_b": N_("one component carries {component_b:.0%} of {model_b}"),
    "does_not_decode": N_("the direction of {model_b} does not decode"),
    "exploratory": N_("exploratory"),
    "five_fold": N_("5-fold R²"),
    "for_comparison": N_("for comparison"),
    "by_construction": N_("fixed by how emotions are taken, whatever they are"),
    "by_depth": N_("this depth alone"),
    "mean_over_depths": N_("mean over {n_depths} depths"),
    "mean_of_reliable": N_("mean of those that are reliable"),
    "no_controls": N_("no controls"),
    "no_difference": N_("no difference between the classes"),
    "no_direction": N_("no direction or no spread"),
    "no_probe": N_("no probe sentences"),
    "no_value": N_("no opening with a value"),
    "no_variance": N_("no variance between sentences"),
    "norm_not_positive": N_("undefined: a squared norm is not positive"),
    "not_in_run": N_("not in this run"),
    "not_informative": N_("not informative: nothing distinguishes the sentences there"),
    "not_reliable": N_("not reliable enough"),
    "one_emotion": N_("only one emotion"),
    "reliability_a": N_("reliability {reliability_a:.2f} in {model_a}"),
    "reliability_b": N_("reliability {reliability_b:.2f} in {model_b}"),
    "reliability_low_a": N_("lower bound of reliability {reliability_low_a:.2f} in {model_a}"),
    "reliability_low_b": N_("lower bound of reliability {reliability_low_b:.2f} in {model_b}"),
    "rogue_dominated": N_("one dimension holds more than half of the squared length"),
    "scale_held": N_("split with the scale of a norm held fixed"),
    "sentences_alike": N_("undefined: the sentences do not differ"),
    "too_few_topics": N_("too few topics"),
    "undefined_depths": N_("{n_undefined} undefined"),
    "widths_differ": N_("d_model differs ({d_model_a} and {d_model_b})"),
    "zero_vector": N_("zero vector"),
}


REASONS = {
    "no_ruler": N_(
        "This design cannot tell: ordinary attributes are not found to correspond between the "
        "models (median cosine {matched:.2f})."
    ),
    "unreliable": N_(
        "This design cannot tell: the direction is not known well enough (lower bounds of "
        "reliability {reliability_low_a:.2f} in {model_a}, {reliability_low_b:.2f} in {model_b})."
    ),
    "both_parts": N_(
        "The direction corresponds (cosine {cosine:.2f}, {ci_low:.2f} to {ci_high:.2f}), and so "
        "does the emotion's own part ({own_cosine:.2f}, {own_low:.2f} to {own_high:.2f})."
    ),
    "own_part": N_(
        "The emotion's own part corresponds (cosine {cosine:.2f}, {ci_low:.2f} to {ci_high:.2f})."
    ),
    "one_emotion": N_(
        "The direction corresponds (cosine {cosine:.2f}, {ci_low:.2f} to {ci_high:.2f}); with only "
        "one emotion, its own part cannot be separated from what emotions have in common."
    ),
    "own_unreliable": N_(
        "The direction corresponds (cosine {cosine:.2f}, {ci_low:.2f} to {ci_high:.2f}); the "
        "emotion's own part is not known well enough to be compared."
    ),
    "own_small": N_(
        "The direction corresponds (cosine {cosine:.2f}, {ci_low:.2f} to {ci_high:.2f}); the "
        "emotion's own part is shown to correspond little ({own_cosine:.2f}, {own_low:.2f} to "
        "{own_high:.2f})."
    ),
    "own_open": N_(
        "The direction corresponds (cosine {cosine:.2f}, {ci_low:.2f} to {ci_high:.2f}); whether "
        "the emotion's own part does too is open ({own_cosine:.2f}, {own_low:.2f} to "
        "{own_high:.2f})."
    ),
    "small": N_(
        "The cosine is shown to be small ({cosine:.2f}, {ci_low:.2f} to {ci_high:.2f}), while "
        "ordinary attributes correspond (median cosine {matched:.2f})."
    ),
    "not_shown": N_(
        "Neither a cosine above {least_cosine:g} nor one within ±{bound:g} is shown ({cosine:.2f}, "
        "{ci_low:.2f} to {ci_high:.2f})."
    ),
}


FINDINGS = {
    "few_topics": N_(
        "Only {n} {units!t} of every class can be compared, where {limit} or more are "
        "recommended: intervals will be wide."
    ),
    "incomplete": N_(
        "Left out because a class is missing: {n} {units!t}, such as {unit!r} without {name}."
    ),
    "surplus": N_("Left out because another class has only {least}: {n} {units!t}."),
    "same_sentences": N_("Pairs of identical sentences {scope!t}: {n}, such as {a} and {b}."),
    "near_duplicates": N_(
        "Pairs of almost identical sentences {scope!t}: {n}, such as {a} and {b}."
    ),
    "shared_topics": N_("Topics that the probe shares with the prompts: {n}, such as {topic!r}."),
    "final_character": N_(
        "The final character differs between classes, most between {a} and {b} with a total "
        "variation of {value:.2f} ({mark!r} ends {share_a:.0%} of {a} and {share_b:.0%} of {b})."
    ),
    "final_token": N_(
        "The final {model} token differs between classes, most between {a} and {b} with a total "
        "variation of {value:.2f}."
    ),
    "short_sentences": N_(
        "Sentences with fewer than {limit} tokens of {model}: {n}, such as {example}."
    ),
    "longer": N_(
        "{emotion} sentences have more {unit!t} than {neutral} ones (standardised mean difference "
        "{value:+.2f}, limit {limit:.2f})."
    ),
    "shorter": N_(
        "{emotion} sentences have fewer {unit!t} than {neutral} ones (standardised mean "
        "difference {value:+.2f}, limit {limit:.2f})."
    ),
    "longer_in_tokens": N_(
        "{emotion} sentences have more {model} tokens than {neutral} ones (standardised mean "
        "difference {value:+.2f}, limit {limit:.2f})."
    ),
    "shorter_in_tokens": N_(
        "{emotion} sentences have fewer {model} tokens than {neutral} ones (standardised mean "
        "difference {value:+.2f}, limit {limit:.2f})."
    ),
    "first_words": N_(
        "First words differ between classes beyond chance, most between {a} and {b} with a total "
        "variation of {value:.2f}."
    ),
    "first_word": N_(
        "The first word alone identifies the class of {accuracy:.0%} of sentences on held-out "
        "topics, where chance is {chance:.0%}."
    ),
    "balance": N_(
        "{share:.0%} of {emotion} sentences but {other:.0%} of {neutral} ones {form!t} (limit of "
        "the difference {limit:.0%})."
    ),
    "nuisances": N_(
        "Length, commas, final mark and first word alone tell {a} from {b} on held-out topics "
        "(AUROC {value:.2f}, limit {limit:.2f})."
    ),
    "no_phrases": N_(
        "The prompts have no column phrase, so it is unknown how many words carry each emotion "
        "and none of them can be held out."
    ),
    "few_heads": N_(
        "The number of lexical heads of {emotion} is {n}; below {limit}, its direction may be "
        "that of a few words."
    ),
    "common_head": N_("{head!r} carries {share:.0%} of the {emotion} sentences."),
    "probe_words": N_(
        "Emotion words of the prompts that occur in the probe: {n}, such as {word!r} in {example}."
    ),
    "small_probe": N_(
        "The number of sentences in {part!t} is {n}; below {limit:.0f}, maps between models "
        "will be poor."
    ),
    "few_attributes": N_(
        "The number of attributes of the probe is {n}; below {limit}, the control null will be "
        "coarse."
    ),
    "thin_attributes": N_(
        "Probe attributes with fewer than {limit} sentences on one side, or fewer than {least} in "
        "the control half: {n}, such as {example}."
    ),
    "alike_attributes": N_(
        "Pairs of probe attributes whose labels correlate beyond {limit:.1f}: {n}, most strongly "
        "{a} and {b} ({value:+.2f})."
    ),
}


PHRASES = (
    *(N_("topics"), N_("groups"), N_("sentences")),
    *(N_("within a class"), N_("within a topic"), N_("between classes"), N_("within the probe")),
    *(N_("between prompts and probe"), N_("words"), N_("characters")),
    *(N_("start with I"), N_("are negated"), N_("contain an exclamation mark")),
    *(N_("contain a question mark"), N_("the probe"), N_("the map half of the probe")),
    N_("the control half of the probe"),
)


class _Sentence(string.Formatter):
    def convert_field(self, value: object, conversion: str | None) -> object:
        return _(value) if conversion == "t" else super().convert_field(value, conversion)

    def format_field(self, value: object, form: str) -> str:
        return _("undefined") if pd.isna(value) else super().format_field(value, form)


def told(sentences: Mapping[str, str], codes: str | float, values: Mapping) -> str:
    """What a cell of codes says, in the language spoken; `values` are the cells beside it.

    >>> told(FLAGS, "reliability_a;zero_vector", {"reliability_a": 0.3, "model_a": "gpt2"})
    'reliability 0.30 in gpt2; zero vector'
    """
    if pd.isna(codes) or not codes:
        return ""
    return clauses(_Sentence().vformat(_(sentences[c]), (), values) for c in codes.split(SEPARATOR))


def told_each(sentences: Mapping[str, str], rows: pd.DataFrame, column: str) -> pd.Series:
    """What `column` says in each of the rows; missing where it is empty."""
    said = rows[rows[column].notna() & (rows[column] != "")]
    values = [told(sentences, row[column], row) for row in said.to_dict("records")]
    return pd.Series(values, said.index, dtype="str").reindex(rows.index)
