"""Lines that anyone can run to compute the headline again, without saccade."""

from __future__ import annotations

import json

from saccade.report.scored import Scored

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


def snippet(scored: Scored) -> str:
    """Python that prints the headline from the predictions; it runs in the run folder."""
    template = _MULTILABEL if scored.task == "multilabel" else _CLASSIFY if scored.positive is None else _POSITIVE
    file = json.dumps(f"evaluation/{scored.name}/predictions.parquet")
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
