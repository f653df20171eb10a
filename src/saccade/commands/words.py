"""What a summary takes from the data where there are no classes: words, characters, the shape of stored features."""

from __future__ import annotations

from saccade.config.data_section import Features
from saccade.config.schema import Config
from saccade.data.made_up_words import ALPHABETS
from saccade.data.vocabulary import SPECIAL
from saccade.engine.resolve import listing_of, with_split_names
from saccade.errors import ConfigError, DataError
from saccade.nn.detector_features import DetectorFeatures
from saccade.tasks import scene_text, sentences

_HOW = "--classes NUMBER says how many words there are, with <pad>, <start>, <unk> and <end>"
_FIRST_MADE_UP = 0x4E00  # a place in Unicode after which there are thousands
_SHAPE = "data.features.shape=[REGIONS, NUMBERS] says what is stored of an image"


def with_words(config: Config, number: int | None) -> Config:
    """A caption config with its words, or so many made-up ones, and the shape of its features.

    Raises:
        ConfigError: they are not known, or so many they cannot be.
        DataError: there is a data set, and it cannot be read.
    """
    section = sentences.section_of(config)
    if number is not None and number <= len(SPECIAL):
        raise ConfigError(f"--classes: is {number}, and there are more words than {', '.join(SPECIAL)}")
    if section.vocabulary is not None:
        words = sentences.known_words(section).words
        if number not in (None, len(words)):
            raise ConfigError(f"--classes: is {number}, and task.vocabulary has {len(words)} words")
    else:
        words = (*SPECIAL, *(f"word{i}" for i in range(len(SPECIAL), number or 0)))
    config = _with_shape(config, _planned(config.data.features))
    features = config.data.features
    no_words, no_shape = len(words) == len(SPECIAL), features.path is not None and features.shape is None
    if no_words or no_shape:
        hints = [hint for hint, lacks in ((_HOW, no_words), (_SHAPE, no_shape)) if lacks]
        config, words = _read(config, words, hints=", and ".join(hints))
    task = section.model_copy(update={"vocabulary": words, "loss": "cross_entropy"})
    return config.model_copy(update={"task": task})


def with_characters(config: Config, number: int | None) -> Config:
    """A config for text with its alphabet, or with so many made-up characters.

    Raises:
        ConfigError: how many there are is not known, or so many there are not.
        DataError: there is a data set, and it cannot be read.
    """
    section = scene_text.section_of(config)
    if not scene_text.reads(config):
        return config
    if section.alphabet is not None:
        found = scene_text.known_characters(section).characters
    elif config.data.format == "scenes":
        found = tuple(ALPHABETS[config.data.scenes.characters])
    elif number is not None:
        found = tuple(map(chr, range(_FIRST_MADE_UP, _FIRST_MADE_UP + number)))
    else:
        found = _read_characters(config)
    if number not in (None, len(found)):
        raise ConfigError(f"--classes: is {number}, and the alphabet has {len(found)} characters")
    return config.model_copy(update={"task": section.model_copy(update={"alphabet": found, "lexicon": None})})


def _read_characters(config: Config) -> tuple[str, ...]:
    hint = "--classes NUMBER says how many characters there are"
    if not config.data.root.is_dir():
        raise ConfigError(f"data.root: {config.data.root} is not a folder. Without the data set, {hint}")
    try:
        settled = with_split_names(config, lambda _: None)
        return scene_text.learned_characters(settled, listing_of(settled, "train")) or ()
    except DataError as error:
        raise DataError(f"{error}\nA summary needs no data set: {hint}") from error


def _read(config: Config, words: tuple[str, ...], *, hints: str) -> tuple[Config, tuple[str, ...]]:
    """The config with the shape of the features, and the words of the training captions where none are known."""
    if not config.data.root.is_dir():
        raise ConfigError(f"data.root: {config.data.root} is not a folder. Without the data set, {hints}")
    try:
        settled = with_split_names(config, lambda _: None)
        train = listing_of(settled, "train")
        if len(words) == len(SPECIAL):
            words = sentences.learned_words(settled, train).words
        found = sentences.store(settled, train)
    except DataError as error:
        raise DataError(f"{error}\nA summary needs no data set: {hints}") from error
    return _with_shape(settled, None if found is None else sentences.shape_of(found)), words


def _with_shape(config: Config, shape: tuple[int, int] | None) -> Config:
    """The config with that shape of its features where it says none."""
    features = config.data.features
    if shape is None or features.shape is not None:
        return config
    data = config.data.model_copy(update={"features": features.model_copy(update={"shape": shape})})
    return config.model_copy(update={"data": data})


def _planned(features: Features) -> tuple[int, int] | None:
    """The shape of what a detector with weights makes, before it has made it; None where only the files tell."""
    made_here = features.source is None and (features.pretrained or features.weights is not None)
    if features.path is None or not features.are_boxes or not made_here:
        return None
    return features.regions if features.pool == "none" else 1, DetectorFeatures.channels
