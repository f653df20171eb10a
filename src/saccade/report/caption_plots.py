"""What the figures of captions show: how their numbers and lengths are spread."""

from __future__ import annotations

from pathlib import Path

from saccade.report.caption_figures import lengths_panel, values_panel
from saccade.report.captions import Captioned
from saccade.report.figures import WIDTH, drawn
from saccade.report.plots import Plot, saved
from saccade.report.words import count


def caption_plots(scored: Captioned, folder: Path) -> list[Plot]:
    """CIDEr-D of the single images, and the lengths of captions; also ``cider`` and ``lengths`` as files."""
    nothing = int((scored.ciders == 0).sum())
    words = (
        f"CIDEr-D of each image against its own references; {count(nothing, 'image')} "
        f"{'has' if nothing == 1 else 'have'} 0. The mean is the number at the top."
    )
    of_lengths = (
        "How many words the captions have, as they are scored: without punctuation. Shares of all captions of the "
        "network, and of all references."
    )
    said = [len(caption) for caption in scored.words]
    written = [len(caption) for of_image in scored.reference_words for caption in of_image]
    return [
        saved(drawn("cider", [values_panel(scored.ciders, metric="CIDEr-D")]), folder, "cider", words, WIDTH),
        saved(drawn("lengths", [lengths_panel(said, written)]), folder, "lengths", of_lengths, WIDTH),
    ]
