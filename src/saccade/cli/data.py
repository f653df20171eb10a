"""``saccade data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from saccade.cli.arguments import ConfigFile, Words, load_and_look, load_config, print_table, say_loading, source_of
from saccade.console import say

app = typer.Typer(no_args_is_help=True, help="Get a data set, and look at it before training on it.")


@app.command("check", epilog="Example: saccade data check folder-classify data.root=photos")
def data_check(words: Words = None, config: ConfigFile = None) -> None:
    """Read every image, compare the splits, count the classes. Exit code 1 where something is wrong."""
    source, overrides = source_of(list(words or []), config, "data check")
    load_and_look(source, overrides)
    say_loading("checking the data")
    from saccade.commands.data import data_check as command
    from saccade.commands.tables import check_tables
    from saccade.data.wording import counted

    found = command(source, overrides)
    for table in check_tables(found):
        print_table(table)
    if found.problems:
        say(counted(len(found.problems), "problem"))
        raise typer.Exit(1)
    print("nothing wrong was found")


@app.command("stats", epilog="Example: saccade data stats folder-classify data.root=photos")
def data_stats(words: Words = None, config: ConfigFile = None) -> None:
    """Counts, sizes, and per-channel mean and standard deviation of the training images."""
    source, overrides = source_of(list(words or []), config, "data stats")
    load_and_look(source, overrides)
    say_loading("measuring the data")
    from saccade.commands.data import data_stats as command
    from saccade.commands.tables import stats_tables

    found = command(source, overrides)
    for table in stats_tables(found):
        print_table(table)
    print(f"mean {[round(v, 4) for v in found.mean]}  std {[round(v, 4) for v in found.std]}  (RGB in [0, 1])")


@app.command("prepare", epilog="Example: saccade data prepare imagenet --from downloads --to imagenet")
def data_prepare(
    name: Annotated[Literal["imagenet"], typer.Argument(metavar="imagenet", help="The data set.")],
    source: Annotated[Path, typer.Option("--from", metavar="FOLDER", help="Where its official tar files are.")],
    target: Annotated[Path, typer.Option("--to", metavar="ROOT", help="The data.root that is made.")],
) -> None:
    """Unpack ImageNet (ILSVRC 2012) as distributed into one folder a class; goes on where it was stopped."""
    from saccade.commands.prepare import prepare_imagenet

    prepare_imagenet(source, target)
    print(target)


@app.command("fetch", epilog="Example: saccade data fetch voc2012 --to data")
def data_fetch(
    name: Annotated[Literal["voc2012", "voc2007"], typer.Argument(metavar="voc2012|voc2007", help="The data set.")],
    target: Annotated[Path, typer.Option("--to", metavar="ROOT", help="Where VOCdevkit/ is made.")],
) -> None:
    """Download Pascal VOC, verify and unpack it; goes on where it was stopped. Prints the data.root."""
    from saccade.commands.fetch import fetch_voc

    print(fetch_voc(name, target))


@app.command("features", epilog="Example: saccade data features coco.yaml data.features.pretrained=true")
def data_features(
    words: Words = None,
    config: ConfigFile = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the checksums of the files that are there.")
    ] = False,
) -> None:
    """Compute or convert features of all images once, for captioning; goes on where it was stopped."""
    source, overrides = source_of(list(words or []), config, "data features")
    if verify:
        load_config(source, overrides)
        say_loading("reading the features")
        from saccade.commands.features import verify_features

        for path in verify_features(source, overrides):
            print(f"{path}: as it was written")
        return
    load_and_look(source, overrides)
    say_loading("looking for the features")
    from saccade.commands.features import data_features as command

    print(command(source, overrides).told())
