"""``saccade config``: never imports torch."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from saccade.cli.arguments import ConfigFile, Words, load_config, source_of

app = typer.Typer(no_args_is_help=True, help="Check, show, or describe a config without running it.")


@app.command("check", epilog="Example: saccade config check my.yaml optim.lr=1e-3")
def config_check(words: Words = None, config: ConfigFile = None) -> None:
    """Check a config and say so; all its mistakes at once, exit code 2."""
    source, overrides = source_of(list(words or []), config, "config check")
    load_config(source, overrides)
    print(f"{source}: fine")


@app.command("show", epilog="Example: saccade config show voc-multilabel")
def config_show(words: Words = None, config: ConfigFile = None) -> None:
    """Print the complete config: what it says, what it extends, and every default."""
    from saccade.config.dump import dump

    source, overrides = source_of(list(words or []), config, "config show")
    print(dump(load_config(source, overrides), Path.cwd()), end="")


@app.command("schema", epilog="Example: saccade config schema > saccade.schema.json")
def config_schema() -> None:
    """Print the JSON Schema of a config file, for editors."""
    from saccade.config.shape import schema

    print(json.dumps(schema(), indent=2))
