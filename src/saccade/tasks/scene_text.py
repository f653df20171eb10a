"""What the spot task does with data and networks, as plain functions of a config."""

from __future__ import annotations

from pathlib import Path

from saccade.config.schema import Config
from saccade.config.task_sections import SpotTask
from saccade.console import say
from saccade.data import alphabet, icdar, mmocr, sroie
from saccade.data.alphabet import Alphabet
from saccade.data.listing import Listing
from saccade.data.mended import Mended
from saccade.data.spot_transforms import SpotAugmentation, SpotScoring, SpotTraining
from saccade.data.wording import counted, differing, named
from saccade.decode.ctc import WordTree
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.metrics.spotting.lexicon import words_of
from saccade.nn.init import initialize
from saccade.nn.spot_network import SpotNetwork, load_spot_encoder, require_spot_encoder
from saccade.nn.weights import load_weights, read_facts, read_state_dict, require_file
from saccade.tasks.labels import normalization

NETWORKS = {"fots": True, "east": False}
"""Names of networks, and whether they read."""
LEAST_HIDDEN = 4
_SIZES = "model.name, model.encoder and model.hidden"


def section_of(config: Config) -> SpotTask:
    """The section of the task."""
    assert isinstance(config.task, SpotTask)
    return config.task


def reads(config: Config) -> bool:
    """Whether words are read, and not only found."""
    return NETWORKS[config.model.name]


def reach(config: Config) -> float:
    """Pixels: the farthest that a side of a word can be from a place in it."""
    return float(config.model.reach or config.data.side)


def check(config: Config) -> None:
    """What can be told to be wrong before anything is read.

    Raises:
        ConfigError: no such network or encoder, a setting that is not for it, a list of characters that does not hold.
        DataError: no such alphabet or lexicon.
        CheckpointError: no such weights.
    """
    section, model = section_of(config), config.model
    if model.name not in NETWORKS:
        raise ConfigError(
            f"model.name: no network that spots text is called {model.name!r}; choose fots, which finds and reads, or "
            "east, which finds"
        )
    require_spot_encoder(model.encoder)
    if not NETWORKS[model.name]:
        for key, value, default in (("lexicon", section.lexicon, None), ("alphabet", section.alphabet, None)):
            if value != default:
                raise ConfigError(
                    f"task.{key}: is set, and model.name is east, which does not read; set task.{key}=null or "
                    "model.name=fots"
                )
    if model.weights is not None:
        require_file(model.weights)
    require_lexicon(section)
    if NETWORKS[model.name] and model.hidden is not None and model.hidden < LEAST_HIDDEN:
        raise ConfigError(
            f"model.hidden: is {model.hidden}, and the reader's first convolutions have a quarter of it; set "
            f"{LEAST_HIDDEN} or more"
        )
    if section.alphabet is not None:
        known_characters(section)


def require_lexicon(section: SpotTask) -> None:
    """That there is the file that the section names.

    Raises:
        DataError: there is none.
    """
    if section.lexicon is not None and not section.lexicon.is_file():
        raise DataError(f"task.lexicon: {section.lexicon} is no file; name one with a word a line")


def read(config: Config, split: str) -> tuple[Listing, Mended]:
    """A split of any of the formats, and what had to be mended."""
    data = config.data
    _refuse_another_layout(config)
    match data.format:
        case "icdar" | "scenes":
            return icdar.read(data.root, split)
        case "sroie":
            return sroie.read(data.root, split)
        case "mmocr":
            return mmocr.read(data.root, split, images=data.images)
        case _:
            raise AssertionError("the config refuses it")


def splits(config: Config) -> list[str]:
    """Names of the splits on disk."""
    return _SPLITS[config.data.format](config.data.root)


_SPLITS = {"icdar": icdar.splits, "scenes": icdar.splits, "sroie": sroie.splits, "mmocr": mmocr.splits}


def _refuse_another_layout(config: Config) -> None:
    """Where there is nothing for this format, and something for another, that is the one to name."""
    root, own = config.data.root, config.data.format
    if own == "scenes" or not root.is_dir() or _SPLITS[own](root):
        return
    for other in ("icdar", "sroie", "mmocr"):
        found = _SPLITS[other](root)
        if other == "mmocr" and not mmocr.has_named_files(root):
            continue  # any JSON could be one of its splits
        if found:
            one_folder = " data.train=. data.val=null" * (found == ["."])
            raise DataError(
                f"data.format: is {own}, and {root} is laid out as data.format={other} reads it, with "
                f"{'everything in one folder' if one_folder else f'the splits {named(found)}'}; set "
                f"data.format={other}{one_folder}"
            )


def learned_characters(config: Config, train: Listing) -> tuple[str, ...] | None:
    """Those that the config gives, or those of the training split; None for a network that does not read."""
    if not reads(config):
        return None
    section = section_of(config)
    if section.alphabet is not None:
        return known_characters(section).characters
    assert train.words is not None
    return alphabet.build(train.words).characters


def known_characters(section: SpotTask) -> Alphabet:
    """The alphabet of a resolved config.

    Raises:
        DataError: its file cannot be read.
        ConfigError: there is no such file, or a list that does not hold.
    """
    given = section.alphabet
    assert given is not None, "the config must be resolved"
    if isinstance(given, Path) and not given.is_file():
        raise ConfigError(
            f"task.alphabet: there is no file {given}; set the alphabet.json of a run, or a list of characters such as "
            "task.alphabet=[a,b,c]"
        )
    if isinstance(given, Path):
        return alphabet.load(given)
    longer = [character for character in given if len(character) != 1]
    if longer or len(set(given)) != len(given):
        what = f"{named(longer, limit=3)} in the list" if longer else "a character that stands in the list twice"
        raise ConfigError(f"task.alphabet: found {what}; it takes single characters, each once")
    return Alphabet(given)


def lexicon_of(path: Path, characters: Alphabet) -> tuple[list[str], WordTree]:
    """The words of a lexicon that can be read, each once, and the tree of them.

    A word that the alphabet has in the other case alone is looked for in that, and told as it stands in the list.

    Raises:
        DataError: the file cannot be read, or none of its words has known characters only.
    """
    try:
        given = list(dict.fromkeys(words_of(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"task.lexicon: {path} cannot be read as text ({error}); it takes a word a line") from None
    if not given:
        raise DataError(f"task.lexicon: {path} holds no word; it takes a word a line")
    spelled = {word: _spelled(word, characters) for word in given}
    words = [word for word in given if spelled[word]]
    if words != given:
        lacking = {character for word in given if not spelled[word] for character in characters.lacks(word)}
        say(
            f"task.lexicon: {counted(len(given) - len(words), 'word')} with characters that the alphabet lacks "
            f"({named(sorted(lacking))}): never read"
        )
    if not words:
        raise DataError(
            f"task.lexicon: no word of {path} is made of the {len(characters)} characters of the alphabet; it takes a "
            "word a line"
        )
    return words, WordTree.of([characters.encode(spelled[word]) for word in words])


def _spelled(word: str, characters: Alphabet) -> str:
    """A word as the alphabet has it, else in capitals or in small letters; empty where it has it in no way."""
    return next((form for form in (word, word.upper(), word.lower()) if not characters.lacks(form)), "")


def scoring_transform(config: Config) -> SpotScoring:
    """The whole image."""
    mean, std = normalization(config)
    return SpotScoring(config.data.longer_side, mean=mean, std=std)


def training_transform(config: Config) -> SpotTraining:
    """A random square."""
    data, augment = config.data, config.data.augment
    mean, std = normalization(config)
    augmentation = SpotAugmentation(augment.longer_side, augment.rotate, augment.stretch or (1.0, 1.0), augment.jitter)
    return SpotTraining(data.side, augmentation=augmentation, longer_side=data.longer_side, mean=mean, std=std)


def network(config: Config, characters: tuple[str, ...] | None) -> SpotNetwork:
    """The network, from random or given weights; its encoder's may be published ones.

    Raises:
        ConfigError: an encoder or a setting that does not exist.
        CheckpointError: weights that do not fit.
    """
    model = config.model
    found = SpotNetwork(
        model.encoder,
        reach=reach(config),
        alphabet=None if characters is None else len(characters),
        pretrained=model.pretrained,
        hidden=model.hidden or 256,
        drop_rate=model.drop_rate,
    )
    if model.init != "default":
        initialize(found, model.init, model.init_fan)
    if model.weights is None:
        return found
    if model.head == "replace":
        if read_facts(model.weights):
            raise CheckpointError(
                f"model.weights: {model.weights} is a checkpoint of a whole network, and model.head=replace takes "
                "weights of model.encoder alone; set model.head=keep"
            )
        load_spot_encoder(found.encoder, model.encoder, model.weights)
        return found
    _refuse_others(model.weights, characters, reach(config))
    load_weights(found, read_state_dict(model.weights), source=str(model.weights), keep_head=True, made_by=_SIZES)
    return found


def _refuse_others(path: Path, characters: tuple[str, ...] | None, reach: float) -> None:
    """A network that was taught other characters, or that counts in other pixels, would say these at random."""
    facts = read_facts(path)
    theirs = tuple(facts.get("outputs", characters or ()))
    if characters and not theirs:
        raise CheckpointError(
            f"model.weights: {path} is of a network that does not read; set model.name=east, or model.weights to a "
            "checkpoint of fots"
        )
    if characters is not None and theirs != characters:
        raise CheckpointError(
            f"model.weights: {path} reads other characters than this training ({differing(theirs, characters)}); set "
            "task.alphabet to the alphabet.json of the run that it is from"
        )
    learned = facts.get("conventions", {}).get("reach", reach)
    if learned != reach:
        raise CheckpointError(
            f"model.reach: the distances of {path} are parts of {learned:g} pixels, and this training would "
            f"take them as parts of {reach:g}; set model.reach={learned:g}"
        )
