"""What all figures share: one colour per emotion, pair of emotions and pair of models throughout.

Colours: Okabe and Ito (2008), told apart by people with the common colour vision deficiencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from emovec.activations.copies import COPIES, is_copy, split_name
from emovec.io.files import whole
from emovec.prompts.positions import POSITIONS
from emovec.within_model.rows import FIXED
from emovec.wording.language import LANGUAGES, _, spoken
from emovec.wording.lines import broken, letters

matplotlib.use("Agg")


OKABE_ITO = {
    "green": "#009E73",
    "vermilion": "#D55E00",
    "blue": "#0072B2",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "orange": "#E69F00",
    "black": "#222222",
}


EMOTION_COLOURS = {
    "gratitude": OKABE_ITO["green"],
    "anger": OKABE_ITO["vermilion"],
    "apology": OKABE_ITO["blue"],
}


NEUTRAL = "#666666"


BAND = "#BBBBBB"


PAIR_COLOURS = [OKABE_ITO[c] for c in ("purple", "sky", "orange", "black", "green", "blue")]


MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]


FEW = 6  # emotions that a figure gives a panel or five lines of text each


MOST_PAIRS = 10  # lines that colours and markers tell apart in one panel


WIDE = 13.5  # inches of a row of panels: in the report a letter of 9 points is then 9 pixels high


def colours(emotions: Sequence[str]) -> dict[str, str]:
    """A colour for each emotion; the known three keep theirs."""
    spare = [c for c in OKABE_ITO.values() if c not in EMOTION_COLOURS.values()]
    spare = [*spare, *EMOTION_COLOURS.values()]
    others = [e for e in emotions if e not in EMOTION_COLOURS]
    found = {e: EMOTION_COLOURS[e] for e in emotions if e in EMOTION_COLOURS}
    return found | {e: spare[i % len(spare)] for i, e in enumerate(others)}


def markers(emotions: Sequence[str]) -> dict[str, str]:
    """A marker for each emotion; their number differs from that of the colours."""
    return {emotion: MARKERS[i % len(MARKERS)] for i, emotion in enumerate(emotions)}


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """A colour for each model, unlike those of the three known emotions."""
    kept = ("black", "purple", "orange", "sky")
    return {name: OKABE_ITO[kept[i % len(kept)]] for i, name in enumerate(models)}


def named_pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """The pairs of emotions that are drawn in colour: all, or those least and most alike."""
    mean = rows.groupby(["emotion_a", "emotion_b"], sort=False).value.mean()
    if len(mean) > MOST_PAIRS:
        mean = mean.dropna().sort_values(kind="stable")
        mean = mean.iloc[[*range(3), *range(-3, 0)]] if len(mean) > 6 else mean
    return list(mean.index)


def other_pairs(axis: plt.Axes, rows: pd.DataFrame, named: Sequence[tuple[str, str]]) -> None:
    """All other pairs by depth, as thin lines behind."""
    rest = rows[~pd.MultiIndex.from_frame(rows[["emotion_a", "emotion_b"]]).isin(named)]
    if rest.empty:
        return
    lines = rest.pivot(index="depth", columns=["emotion_a", "emotion_b"], values="value")
    drawn = axis.plot(lines.index.astype(float), lines, color=NEUTRAL, lw=0.4, alpha=0.5, zorder=1)
    drawn[0].set_label(_("the other {n} pairs").format(n=lines.shape[1]))


def style() -> None:
    """Matplotlib's settings for all figures, with a font of the language spoken."""
    # names of classes may have the letters of any language, whichever is spoken
    own = LANGUAGES[spoken()]
    others = [one for one in LANGUAGES.values() if one is not own]
    fonts = [_known(one.font()) if one.font else "DejaVu Sans" for one in (own, *others)]
    sns.set_theme(style="ticks", context="notebook", font=fonts)
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


@cache
def _known(font: str) -> str:
    """The name of a font in a file, known to matplotlib from now on."""
    font_manager.fontManager.addfont(font)
    return font_manager.get_font(font).family_name


def save(figure: plt.Figure, path: str | Path, dpi: int) -> None:
    """Write a PNG that depends on its content alone, whole or not at all."""
    _fit(figure)
    if spacing := LANGUAGES[spoken()].line_spacing:
        for text in figure.findobj(Text):
            if "\n" in text.get_text():
                text.set_linespacing(spacing)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=dpi, bbox_inches="tight")
    plt.close(figure)
    with whole(path) as part, Image.open(drawn) as image:
        # with a palette it has a third of the bytes; by coverage, rare colours of a scale stay too
        kind = Image.Quantize.MAXCOVERAGE
        palette = image.convert("RGB").quantize(256, kind, dither=Image.Dither.NONE)
        palette.save(part, "PNG", optimize=True)


def _fit(figure: plt.Figure) -> None:
    """Break titles and labels that are longer than the picture has room for, in any language."""
    figure.draw_without_rendering()
    edge = figure.bbox
    titles = [figure._suptitle] if figure._suptitle else []
    for axis in figure.axes:
        titles += [axis.title, axis.xaxis.label, axis.yaxis.label]
    for text in titles:
        box, upright = text.get_window_extent(), text.get_rotation() == 90
        low, high = (box.y0, box.y1) if upright else (box.x0, box.x1)
        end = edge.height if upright else edge.width
        room = min(low + high, 2 * end - low - high)  # as the text stays where its middle is
        if high - low > room > 0:
            text.set_text(broken(text.get_text(), room / (high - low)))


def subplots(
    rows: int, columns: int, width: float, height: float, **options: object
) -> tuple[plt.Figure, np.ndarray]:
    """A figure in the style of all, with its axes `[row, column]`; sizes in inches."""
    style()
    return plt.subplots(
        rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **options
    )


def row_of_axes(
    count: int,
    width: float = 5.2,
    height: float = 4.0,
    **options: object,
) -> tuple[plt.Figure, list[plt.Axes]]:
    """`subplots` side by side, each of that size; as many in a row as WIDE holds."""
    columns = min(count, max(1, int(WIDE // width)))
    rows = -(-count // columns)
    figure, axes = subplots(rows, columns, width * columns, height * rows, **options)
    for axis in axes.flat[count:]:
        axis.axis("off")
    return figure, list(axes.flat[:count])


def leads(axis: plt.Axes) -> bool:
    """Whether a panel is the first of its row."""
    return axis.get_subplotspec().is_first_col()


def dot(
    axis: plt.Axes,
    row: tuple | pd.Series,
    y: float,
    colour: str,
    *,
    filled: bool,
    marker: str = "o",
    size: float = 7,
) -> None:
    """An estimate with its interval, hollow where nothing is shown."""
    width = size / 3.2
    axis.plot([row.ci_low, row.ci_high], [y, y], color=colour, lw=width, solid_capstyle="round")
    axis.plot(row.value, y, marker=marker, ms=size, color=colour, mfc=colour if filled else "white")


def nothing(why: str) -> plt.Figure:
    """A figure that says why it is empty."""
    figure, [[axis]] = subplots(1, 1, 6, 1.5)
    axis.axis("off")
    axis.text(0.5, 0.5, why, ha="center")
    return figure


def unreliable(axis: plt.Axes, emotion: str) -> None:
    """An empty panel, where whatever would be drawn is of no direction."""
    axis.axis("off")
    told = _("{emotion}: not reliable enough").format(emotion=emotion)
    axis.text(0.5, 0.5, told, ha="center", transform=axis.transAxes)


def no_pair(table: pd.DataFrame) -> plt.Figure | None:
    """A figure that says why a table has no two emotions to compare; None if it has."""
    pairs = table[table.emotion_b.notna()]
    if pairs.empty:
        return nothing(_("Only one emotion: there is no pair to compare."))
    if (pairs.flag == FIXED).all():
        return nothing(
            _("Without a neutral class, two emotions are the two ends of one direction.")
        )
    return None


def key(label: str, colour: str, **options: object) -> Line2D:
    """An entry of a legend."""
    return Line2D([], [], color=colour, label=label, **options)


def band_key(label: str, colour: str = BAND, **options: object) -> Line2D:
    return key(label, colour, lw=8, solid_capstyle="butt", **options)


def hollow_key(label: str) -> Line2D:
    return key(label, NEUTRAL, marker="o", mfc="white", ls="")


def titled(
    figure: plt.Figure,
    title: str,
    keys: Sequence[Artist] = (),
    size: int = 13,
    columns: int = 0,
    **options: object,
) -> plt.Figure:
    """The figure with a title over all axes and a legend below them.

    The legend is as wide as the figure has room for; further rows make the figure taller.
    """
    if keys:
        widths = [0.7 + 0.09 * letters(one.get_label()) for one in keys]
        room = 1 + int((figure.get_figwidth() - max(widths)) / np.median(widths))
        columns = min(columns or max(1, room), len(keys))
        more = (
            len(keys) - 1
        ) // columns - 1  # rows beyond the two that every height leaves room for
        figure.set_figheight(figure.get_figheight() + 0.23 * max(0, more))
        figure.legend(
            handles=keys,
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            **options,
        )
    figure.suptitle(title, fontsize=size)
    return figure


def depth_axis(axis: plt.Axes, last: int) -> None:
    axis.set_xlabel(_("depth (0 = before the first block)"))
    axis.set_xlim(-0.03 * last, 1.03 * last)
    axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))


def mark_undefined(axis: plt.Axes, depths: Sequence[int], why: str) -> None:
    """Mark the depths where nothing is drawn, and say why."""
    if len(depths):
        axis.plot(
            depths, np.zeros(len(depths)), ls="", marker="x", color=NEUTRAL, ms=6,
            label=_("undefined: {why}").format(why=why), zorder=5,
        )  # fmt: skip


def model_pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Unordered pairs in the order of the table, rotated twins first: they are the ruler."""
    found: dict[frozenset, tuple[str, str]] = {}
    for a, b in zip(rows.model_a, rows.model_b, strict=True):
        found.setdefault(frozenset((a, b)), (a, b))
    return sorted(found.values(), key=lambda pair: not is_copy(pair[1]))


def of_pair(rows: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    return rows[(rows.model_a == a) & (rows.model_b == b)]


def pair_title(a: str, b: str) -> str:
    """Two models, or one and its control copy."""
    model, kind = split_name(b)
    return f"{a} × {_(COPIES[kind].title) if kind and model == a else b}"


def position_title(axis: plt.Axes, position: str) -> None:
    title = _("read at: {position}").format(position=_(POSITIONS[position].title))
    axis.set_title(title, fontsize=11)
