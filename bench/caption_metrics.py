"""How long caption metrics take, and METEOR's own jar for the same captions, its start included.

    python bench/caption_metrics.py DATA/flickr1k/captions

Scores 1,000 and 5,000 captions with five references each: a caption of an image against its four others and one of
another image. METEOR's index of paraphrases is made before, and its time told apart. Without Java the jar is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from saccade.data.coco_captions import read_references
from saccade.files import cache_folder
from saccade.metrics.captions.bleu import NOTHING, bleu, bleu_counts
from saccade.metrics.captions.cider import CiderD
from saccade.metrics.captions.meteor import Meteor
from saccade.metrics.captions.rouge import rouge_l
from saccade.metrics.captions.tokenizer import tokenize

T = TypeVar("T")
JAVA = ("java", "-Xmx2G", "-Duser.language=en", "-Duser.country=US", "-Dfile.encoding=UTF-8", "-jar")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captions", type=Path, help="folder of COCO captions files")
    parser.add_argument("--n", type=int, nargs="*", default=[1000, 5000], help="captions to score")
    given = parser.parse_args()
    images = [texts for file in sorted(given.captions.glob("*.json")) for texts in read_references(file).values()]
    _, seconds = timed(lambda: Meteor.load(cache_folder()))
    print(f"METEOR's tables, with the index of paraphrases where it was not there yet: {seconds:.1f} s")
    for n in given.n:
        report(n, *items(images, n))


def items(images: list[tuple[str, ...]], n: int) -> tuple[list[str], list[list[str]]]:
    """Captions and the five references of each."""
    hypotheses, references = [], []
    for k in range(n):
        turn, place = divmod(k, len(images))
        captions = images[place]
        said = turn % len(captions)
        stranger = images[(place + 1 + turn) % len(images)][0]
        hypotheses.append(captions[said])
        references.append([*captions[:said], *captions[said + 1 :], stranger][:5])
    return hypotheses, references


def report(n: int, hypotheses: list[str], references: list[list[str]]) -> None:
    """Print what each step takes."""
    print(f"\n{n} captions, {sum(map(len, references)) / n:.1f} references each")
    texts, seconds = timed(lambda: ([tokenize(h) for h in hypotheses], [[*map(tokenize, r)] for r in references]))
    told("tokeniser", seconds)
    said, known = texts
    words, known_words = [t.split() for t in said], [[t.split() for t in r] for r in known]
    pairs = list(zip(words, known_words, strict=True))
    told("BLEU", timed(lambda: bleu(sum((bleu_counts(h, r) for h, r in pairs), NOTHING)))[1])
    told("ROUGE-L", timed(lambda: [rouge_l(h, r) for h, r in pairs])[1])
    told("CIDEr-D", timed(lambda: CiderD(known_words).scores(words))[1])
    (ours, _), seconds = timed(lambda: Meteor.load(cache_folder())(said, known))
    told("METEOR, its tables loaded", seconds)
    if shutil.which("java"):
        theirs, jar_seconds = timed(lambda: jar(said, known))
        told("METEOR's jar, its start included", jar_seconds)
        print(f"  ours takes {seconds / jar_seconds:.2f} of the jar's time; {ours:.10f} and {theirs:.10f}")


def jar(hypotheses: list[str], references: list[list[str]]) -> float:
    """The corpus score by METEOR's jar, all lines at once."""
    spec = importlib.util.find_spec("pycocoevalcap")
    assert spec is not None and spec.submodule_search_locations is not None  # noqa: PT018
    folder = Path(spec.submodule_search_locations[0]) / "meteor"
    command = [*JAVA, "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm"]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018

        def ask(line: str) -> str:
            assert process.stdin is not None and process.stdout is not None  # noqa: PT018
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        statistics = [
            ask(" ||| ".join(("SCORE", *others, caption)))
            for caption, others in zip(hypotheses, references, strict=True)
        ]
        ask(" ||| ".join(("EVAL", *statistics)))  # answers with a line for each, and then the corpus score
        for _ in statistics[1:]:
            process.stdout.readline()
        return float(process.stdout.readline())


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What a function gives, and how long it took."""
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


def told(what: str, seconds: float) -> None:
    """Print a line."""
    print(f"  {what:<36} {seconds:6.2f} s", flush=True)


if __name__ == "__main__":
    main()
