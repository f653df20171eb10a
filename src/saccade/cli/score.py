"""``saccade score``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.arguments import AsJson, print_table

app = typer.Typer(no_args_is_help=True, help="Score files of results that any program wrote.")


@app.command("captions", epilog="Example: saccade score captions results.json captions_val2014.json")
def score_captions(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="COCO results: a list of image_id and caption.")],
    references: Annotated[Path, typer.Argument(metavar="REFERENCES", help="COCO captions of the same images.")],
    partial: Annotated[bool, typer.Option("--partial", help="Leave out images without a result.")] = False,
    as_json: AsJson = False,
) -> None:
    """BLEU-1 to 4, METEOR, ROUGE-L and CIDEr-D of captions, equal to coco-caption's, without Java."""
    from saccade.commands.score import score_captions as command
    from saccade.commands.score import score_table

    found = command(results, references, partial=partial)
    if as_json:
        print(json.dumps({**found.metrics, "n": found.n}, indent=2))
    else:
        print_table(score_table(found))


@app.command("spotting", epilog="Example: saccade score spotting results.zip gt.zip --lexicon words.txt")
def score_spotting(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A zip or folder of res_<image>.txt.")],
    ground_truth: Annotated[Path, typer.Argument(metavar="GROUNDTRUTH", help="A zip or folder of gt_<image>.txt.")],
    lexicon: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the nearest of its words; or a zip of voc_<image>.txt.")
    ] = None,
    confidences: Annotated[
        bool | None,
        typer.Option("--confidences/--no-confidences", help="Whether one follows the corners; else the lines tell."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Precision, recall and hmean of text found, read and spotted, by the rules of ICDAR 2015's scripts."""
    from saccade.commands.score_spotting import as_document, score_table
    from saccade.commands.score_spotting import score_spotting as command

    found = command(results, ground_truth, lexicon=lexicon, confidences=confidences)
    if as_json:
        print(json.dumps(as_document(found), indent=2))
    else:
        print_table(score_table(found))
