"""One evaluation of a caption run read whole, and scored again from its captions.

Letters: N images, R regions of an image, W words of its caption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.errors import RunError
from saccade.metrics.captions.scores import CaptionScores, caption_scores
from saccade.metrics.captions.tokenizer import tokenize
from saccade.report.scored import Evaluated
from saccade.runs import Evaluation

_COLUMNS = ("image", "caption", "references")


@dataclass(frozen=True)
class Captioned(Evaluated):
    """N images with a caption and what people wrote."""

    captions: Sequence[str]  # N, as they were written; may be empty
    references: Sequence[Sequence[str]]  # N times at least one
    words: Sequence[Sequence[str]]  # N captions as they are scored: tokens, lower case, no punctuation
    reference_words: Sequence[Sequence[Sequence[str]]]  # the same of the references
    again: CaptionScores  # from the captions and references; all but METEOR, whose tables this page does without
    rows: pl.DataFrame  # as they stand in predictions.parquet

    @classmethod
    def read(cls, evaluation: Evaluation) -> Captioned:
        """Read the three files of ``evaluation`` and score its captions.

        Raises:
            RunError: one of them is missing, or the predictions hold no captions with references.
        """
        metrics, about, rows = evaluation.metrics(), evaluation.about(), evaluation.predictions()
        missing = [name for name in _COLUMNS if name not in rows.columns]
        if missing or rows.is_empty() or not (rows["references"].list.len().fill_null(0) > 0).all():
            what = f"no column {', '.join(missing)}" if missing else "an image has no reference, or there is no image"
            raise RunError(f"{evaluation.predictions_file}: {what}; write it again with `saccade evaluate`")
        captions = rows["caption"].fill_null("").to_list()
        references = rows["references"].to_list()
        return cls(
            evaluation.name,
            metrics,
            about,
            rows["image"].to_list(),
            captions,
            references,
            [tokenize(caption).split() for caption in captions],
            [[tokenize(caption).split() for caption in of_image] for of_image in references],
            caption_scores(captions, references),
            rows,
        )

    @property
    def ciders(self) -> NDArray[np.float64]:
        """(N,) CIDEr-D of each image, from 0 to 10."""
        return np.array(self.again.per_image["cider"])

    def of_image(self, row: int) -> list[tuple[str, float]]:
        """The other numbers of one image as (key of ``metrics.json``, value), METEOR where it was measured."""
        found = [(key, self.again.per_image[key][row]) for key in ("bleu4", "rouge_l")]
        meteor = self.rows["meteor"][row] if "meteor" in self.rows.columns else None
        return found if meteor is None else [found[0], ("meteor", float(meteor)), found[1]]

    def counted(self) -> list[tuple[str, int]]:
        """Each different caption and of how many images it is said, the most frequent first; ties as they come."""
        return Counter(self.captions).most_common()

    def unsaid(self, most: int) -> list[tuple[str, int]]:
        """The ``most`` frequent words of the references that no caption has, and in how many images' references."""
        said = {word for words in self.words for word in words}
        images = Counter(
            word for of_image in self.reference_words for word in sorted({w for words in of_image for w in words})
        )
        return [(word, n) for word, n in images.most_common() if word not in said][:most]

    def vocabularies(self) -> tuple[int, int]:
        """How many different words the captions have, and the references."""
        said = {word for words in self.words for word in words}
        written = {word for of_image in self.reference_words for words in of_image for word in words}
        return len(said), len(written)

    def differences(self) -> list[tuple[str, float | None, float | None]]:
        """Numbers that are not what the captions give again, as (key, as it stands, as it is); None: there is none.

        METEOR differs where it stands in one of ``metrics.json`` and ``predictions.parquet`` alone.
        """
        stands = self.metrics["metrics"]
        found = [
            (key, stands.get(key), value)
            for key, value in self.again.metrics.items()
            if stands.get(key) is None or abs(stands[key] - value) > 1e-6
        ]
        return [*found, *self._different_images(), *self._half_a_meteor()]

    def _different_images(self) -> list[tuple[str, float | None, float | None]]:
        """The means of columns of ``predictions.parquet`` that hold other numbers."""
        found: list[tuple[str, float | None, float | None]] = []
        for key, values in self.again.per_image.items():
            if key in self.rows.columns:
                column = self.rows[key].cast(pl.Float64).fill_null(float("nan")).to_numpy()
                if not np.allclose(column, values, rtol=1e-5, atol=1e-5):
                    stands = None if np.isnan(column).any() else float(np.mean(column))
                    found.append((f"{key} of single images", stands, float(np.mean(values))))
        return found

    def _half_a_meteor(self) -> list[tuple[str, float | None, float | None]]:
        stands = self.metrics["metrics"].get("meteor")
        column = self.rows["meteor"].drop_nulls() if "meteor" in self.rows.columns else pl.Series([], dtype=pl.Float32)
        if (stands is None) == column.is_empty():
            return []
        return [("meteor", stands, None if column.is_empty() else float(np.mean(column.to_numpy())))]
