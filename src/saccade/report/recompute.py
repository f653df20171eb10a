"""Lines that anyone can run to compute the headline again, without saccade but for the protocols of text spotting."""

from __future__ import annotations

import json
from pathlib import Path

from saccade.data.masks import VOID
from saccade.report.captions import Captioned
from saccade.report.scored import Evaluated, Scored
from saccade.report.segments import Segmented
from saccade.report.spot_evaluation import Spotted

_MULTILABEL = """\
import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score

rows = pl.read_parquet({file})
y = np.stack(rows["targets"].to_numpy())  # 1 present, 0 absent, -1 ignored
s = np.stack(rows["scores"].to_numpy())
aps = [
    average_precision_score(y[y[:, c] >= 0, c], s[y[:, c] >= 0, c])
    for c in range(y.shape[1])
    if (y[:, c] == 1).any()
]
print(np.mean(aps))  # {expected}
"""

_CLASSIFY = """\
import polars as pl
from sklearn.metrics import accuracy_score

rows = pl.read_parquet({file})
print(accuracy_score(rows["target"].to_list(), rows["prediction"].to_list()))  # {expected}
"""


_POSITIVE = """\
import polars as pl
from sklearn.metrics import average_precision_score

rows = pl.read_parquet({file})
score = rows["scores"].list.get({place}).to_numpy()  # of {positive}
print(average_precision_score((rows["target"] == {positive}).to_numpy(), score))  # {expected}
"""

_SEGMENT = """\
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

evaluation = Path({folder})
data = Path({root})
by_id = np.full(256, {rest}, dtype=np.uint8)  # the class of each id in a mask file; 255 is void
by_id[{ids}] = {classes}
{tables}confusion = np.zeros(({n}, {n}), dtype=np.int64)
for target, mask in pl.read_parquet(evaluation / "predictions.parquet")["target", "mask"].iter_rows():
    said, file = np.asarray(Image.open(evaluation / mask)), Image.open(data / target)
    true = {read}
{resize}    valid = true != 255
    cells = true[valid].astype(int) * {n} + said[valid]
    confusion += np.bincount(cells, minlength={n} * {n}).reshape({n}, {n})
both = np.diag(confusion)
either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
print(np.mean(both[either > 0] / either[either > 0]))  # {expected}
"""

_COLOURS = """\
colours = [
{colours}
]
by_colour = np.full(1 << 24, {rest}, dtype=np.uint8)  # the same of masks in colour
for c, (red, green, blue) in colours:
    by_colour[red << 16 | green << 8 | blue] = c


def in_colour(file):
    red, green, blue = np.moveaxis(np.asarray(file.convert("RGB"), dtype=np.int64), 2, 0)
    return by_colour[red << 16 | green << 8 | blue]
"""
_UNDER = """\
def under(n, m):  # which of n rows or columns lies under the centre of each of m
    at = (np.arange(m, dtype=np.float32) + np.float32(0.5)) * np.float32(n / m)
    return at.astype(int).clip(max=n - 1)
"""
_RESIZED = """\
    # scored at the size at which the network sees images
    true = true[under(len(true), len(said))][:, under(true.shape[1], said.shape[1])]
"""

_CAPTIONS = """\
import json

import polars as pl

rows = pl.read_parquet({file})
results = [{{"image_id": i, "caption": said}} for i, said in enumerate(rows["caption"])]
images = [{{"id": i, "file_name": name}} for i, name in enumerate(rows["image"])]
written = [(i, text) for i, texts in enumerate(rows["references"].to_list()) for text in texts]
annotations = [{{"id": k, "image_id": i, "caption": text}} for k, (i, text) in enumerate(written)]
with open("results.json", "w", encoding="utf-8") as file:
    json.dump(results, file)
with open("references.json", "w", encoding="utf-8") as file:
    json.dump({{"images": images, "annotations": annotations}}, file)
# saccade score captions results.json references.json
# cider {expected}
"""

_SPOT = """\
import numpy as np
import polars as pl

from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores


def quads(rows):  # corners x, y of top left, top right, bottom right, bottom left, as one reads
    return np.array(rows, dtype=np.float64).reshape(-1, 4, 2)


rows = pl.read_parquet({file})
truths = [
    Truth(quads(xy), tuple(texts), np.array(cared, dtype=np.bool_))
    for xy, texts, cared in rows["target_quads_xy", "target_texts", "target_cared"].iter_rows()
]
found = [Detections(quads(xy){texts}) for xy, texts in rows["quads_xy", "texts"].iter_rows()]
scores = spotting_scores(truths, found)
for protocol, numbers in scores.metrics.items():
    print(protocol, numbers)
{reading}print(scores.metrics["{protocol}"]["hmean"])  # {expected}
"""


def spot_snippet(scored: Spotted) -> str:
    """Python that prints all numbers but the loss, the headline last; it runs in the run folder."""
    return _SPOT.format(
        file=_quoted(_predictions(scored)),
        texts=", tuple(texts)" if scored.reads else "",
        reading="print(scores.words.cer, scores.words.word_accuracy)\n" if scored.reads else "",
        protocol="end_to_end" if scored.reads else "detection",
        expected="undefined" if scored.headline is None else f"{scored.headline:.6f}",
    )


def caption_snippet(scored: Captioned) -> str:
    """Python that writes what any scorer of captions reads; it runs in the run folder."""
    expected = "undefined" if scored.headline is None else f"{scored.headline:.6f}"
    return _CAPTIONS.format(file=_quoted(_predictions(scored)), expected=expected)


def mask_snippet(scored: Segmented, data_root: Path) -> str:
    """Python that prints mIoU from the masks themselves, predicted and true; it runs in the run folder."""
    coding = scored.coding
    known = [(i, c) for c, i in enumerate(coding.ids) if i >= 0]
    rest = 0 if coding.void_is_background else VOID
    tables, read = "", "by_id[np.asarray(file, dtype=np.uint8)]"
    if coding.colours is not None:
        modes = '("RGB", "RGBA", "L")' if coding.is_grey else '("RGB", "RGBA")'
        colours = "\n".join(f"    ({c}, {rgb})," for c, rgb in enumerate(coding.colours) if rgb is not None)
        tables = _COLOURS.format(rest=rest, colours=colours)
        read = f"in_colour(file) if file.mode in {modes} else {read}"
    at_input = scored.about["score_size"] == "input"
    tables += "\n\n" + _UNDER if at_input else ""
    return _SEGMENT.format(
        folder=_quoted(f"evaluation/{scored.name}"),
        root=_quoted(str(data_root.absolute())),
        rest=rest,
        ids=[i for i, _ in known],
        classes=[c for _, c in known],
        tables=tables + ("\n\n" if tables else "\n"),
        n=len(scored.classes),
        read=read,
        resize=_RESIZED if at_input else "",
        expected="undefined: every pixel is void" if scored.headline is None else f"{scored.headline:.6f}",
    )


def _predictions(scored: Evaluated) -> str:
    return f"evaluation/{scored.name}/predictions.parquet"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def snippet(scored: Scored) -> str:
    """Python that prints the headline from the predictions; it runs in the run folder."""
    template = _MULTILABEL if scored.task == "multilabel" else _CLASSIFY if scored.positive is None else _POSITIVE
    file = _quoted(_predictions(scored))
    expected = "undefined: no class has a positive" if scored.headline is None else f"{scored.headline:.6f}"
    named = (
        {}
        if scored.positive is None
        else {
            "positive": json.dumps(scored.positive, ensure_ascii=False),
            "place": scored.classes.index(scored.positive),
        }
    )
    return template.format(file=file, expected=expected, **named)
