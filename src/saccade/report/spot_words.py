"""Sentences and tables of the report that only spot has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from saccade.data.wording import named as listed
from saccade.report.intervals import DRAWS, Interval
from saccade.report.spot_evaluation import PARTS, Spotted
from saccade.report.spot_letters import Letters
from saccade.report.spot_matches import ALARM, MISREAD, MISSED, RIGHT, UNCARED, VERDICTS, SpotImage, Word
from saccade.report.words import count, interval_words, metric_name, number

NOTHING = "(nothing)"
"""What stands for an empty reading, and for a letter that has no partner."""
_RIGHT_WHERE = {
    "detection": "Detection: a detection is correct where a word takes it",
    "end_to_end": "end-to-end: where the word was also read, but for case and for one punctuation mark at either end",
    "word_spotting": "word spotting: the same of words of three or more letters alone, without their punctuation",
}
_NAMES = {ALARM: "false alarm", UNCARED: "not cared for"}


def verdict_name(verdict: str, *, reads: bool) -> str:
    """How a verdict reads to a person."""
    return "found" if verdict == RIGHT and not reads else _NAMES.get(verdict, verdict)


def said(text: str) -> str:
    """What was read, or a word for nothing."""
    return text if text.strip() else NOTHING


def interval_sentence(scored: Spotted, intervals: Mapping[str, Interval]) -> str:
    """How far the headline would move with other images; empty where that is not known."""
    key = "end_to_end_hmean" if scored.reads else "detection_hmean"
    if key not in intervals:
        return ""
    return (
        f"With {count(len(scored.images), 'image')} the 95 % interval of the {metric_name(key)} is "
        f"{interval_words(intervals[key])} (bootstrap over images)."
    )


def outcome_sentence(scored: Spotted) -> str:
    """What became of the words and of the detections."""
    of, found = scored.verdicts, scored.counts["detection"]
    if not found.truths:
        alarms = f", and {count(of[ALARM], 'detection')} for which there is no word" if of[ALARM] else ""
        return f"No word of this split is cared for, so that there is nothing to find{alarms}; H-means are 0 then."
    matched = of[RIGHT] + of[MISREAD]
    read = f", and {of[RIGHT]:,} of them read right" if scored.reads and matched else ""
    words = f"{matched:,} {_was(matched)} found{read}" if matched else "none was found"
    return f"Of {count(found.truths, 'word')} {words}. {_detections_sentence(scored)}"


def _detections_sentence(scored: Spotted) -> str:
    found, alarms = scored.counts["detection"].detections, scored.verdicts[ALARM]
    if any(len(image.scores) for image in scored.seen):
        return f"{alarms:,} of {count(found, 'detection')} {'matches' if alarms == 1 else 'match'} no word."
    return f"Nothing was found in any image: no place passed {_passed(scored)}."


def _passed(scored: Spotted) -> str:
    threshold, least = scored.decoding.get("threshold"), scored.decoding.get("min_score")
    if threshold is None:
        return "the threshold"
    return f"task.threshold ({threshold:g})" + (f", or no box task.min_score ({least:g})" if least is not None else "")


def measured_sentence(scored: Spotted) -> str:
    """By which rules words were matched, and with which settings they were found."""
    threshold = scored.decoding.get("threshold")
    fixed = "One fixed threshold" if threshold is None else f"One fixed threshold, {threshold:g} (task.threshold),"
    lexicon = scored.decoding.get("lexicon")
    read = "" if not scored.reads else " Words are read without a lexicon."
    if lexicon:
        read = f" What is read is always a word of the lexicon {lexicon}, the one that fits best."
    return (
        "Measured by the protocol of ICDAR 2015: word after word takes the first free detection that it overlaps by an "
        "IoU of more than 0.5. Words marked as not cared for count neither for nor against, nor does a detection that "
        f"lies mostly within one. {fixed} holds for all images; it is not the best of several, as some published "
        f"numbers are.{read}"
    )


def notes(scored: Spotted, intervals: Mapping[str, Interval]) -> list[str]:
    """How the numbers are pooled, where the intervals come from, and whether the numbers are those of the words."""
    pooling = scored.about.get("pooling", {})
    parts = {"precision": "Precision", "recall": "recall", "hmean": "H-mean"}
    pooled = "; ".join(
        f"{parts[part]}: {pooling[f'detection_{part}']}" for part in PARTS if f"detection_{part}" in pooling
    )
    found = [f"{'; '.join(_RIGHT_WHERE[name] for name in scored.protocols)}."]
    found += [f"{pooled}."] if pooled else []
    if scored.reads:
        found.append(
            "Character error rate and word accuracy are of the words that are found, to the letter: case and all "
            "punctuation count. What is not found is in recall, and not in them."
        )
    if outside := scored.about.get("outside_alphabet"):
        found.append(
            f"{count(outside['words'], 'word')} of these images cannot be read to the letter: the alphabet lacks "
            f"{listed(sorted(outside['times']))}."
        )
    if intervals:
        found.append(
            f"The intervals are from {DRAWS:,} draws of as many images with replacement, whose counts are added up. "
            "They tell what other images of the same kind would change, not what another training would."
        )
    if not scored.differences():
        found.append(
            "All numbers but the loss were computed again for this page from predictions.parquet, and are the same."
        )
    return found


def differences_sentence(scored: Spotted) -> str:
    """Which numbers of the run folder are not those of its words; empty where all are."""
    found = scored.differences()
    if not found:
        return ""
    named = "; ".join(f"{_long_name(key)} {number(stands)}, and {number(is_)}" for key, stands, is_ in found)
    return (
        "The numbers of this evaluation do not belong to its words: as they stand, and as predictions.parquet gives "
        f"them again: {named}. One of the files was changed; score the run again with saccade evaluate."
    )


def _long_name(key: str) -> str:
    name, of, rest = key.partition(" of ")
    return f"{metric_name(name)}{of}{rest}"


def words_sentence(scored: Spotted) -> str:
    """How many words there are, and what became of them."""
    n, uncared, images = scored.counts["detection"].truths, scored.verdicts[UNCARED], count(len(scored.images), "image")
    if not n:
        return f"None of {count(uncared, 'word')} of {images} is cared for." if uncared else f"No word is in {images}."
    there = f"{count(n, 'word')} of {images} {_is(n)} cared for" + f", {uncared:,} {_is(uncared)} not" * bool(uncared)
    found_any = any(len(image.scores) for image in scored.seen)
    became = [_became(scored), *_empty_images(scored)] if found_any else ["None was found, as there is no detection."]
    return " ".join((f"{there}.", *became))


def _became(scored: Spotted) -> str:
    of = scored.verdicts
    near = sum(word.verdict == MISSED and word.overlap > 0 for image in scored.seen for word in image.words())
    found = f"{of[RIGHT]:,} {_was(of[RIGHT])} {'read right' if scored.reads else 'found'}"
    misread = f", {of[MISREAD]:,} found and misread" if scored.reads else ""
    missed = f"{found}{misread} and {of[MISSED]:,} missed"
    overlaps = f"{'overlaps' if near == 1 else 'overlap'} a detection by half or less, or one that another word took"
    if not of[MISSED]:
        return f"{missed}."
    if not near:
        return f"{missed}, where there is no detection."
    if near == of[MISSED]:
        return f"{missed}, {'which' if near == 1 else 'all of which'} {overlaps}."
    return f"{missed}: {near:,} of the missed {overlaps}, and at {of[MISSED] - near:,} there is none."


def _empty_images(scored: Spotted) -> list[str]:
    without = sum(not image.outcomes["detection"].counts.truths for image in scored.seen)
    unseen = sum(not len(image.scores) for image in scored.seen)
    has = "has" if without == 1 else "have"
    return [
        *([f"{count(without, 'image')} {has} no word that is cared for."] if without else []),
        *([f"In {count(unseen, 'image')} nothing was found."] if unseen else []),
    ]


def letters_sentence(scored: Spotted, found: Letters) -> str:
    """What the table of letters is of."""
    if not scored.reading.pairs:
        return "No word was found, so that nothing was read."
    out = found.left_out
    left_out = (
        f" {count(out, 'word')} with more edits than half {'its' if out == 1 else 'their'} letters "
        f"{_is(out)} left out: which letter was taken for which is not to be told there."
    ) * bool(out)
    if not found.taken:
        return f"No letter was taken for another.{left_out}"
    return f"From the alignment of what was read with what is written, with as few edits as can be.{left_out}"


def misreadings_sentence(scored: Spotted) -> str:
    """How many words were misread, and in how many ways."""
    ways = scored.misreadings()
    n = sum(times for _, times in ways)
    if not n:
        return "No word that was found was misread." if scored.reading.pairs else ""
    if ways[0][1] == 1:
        return f"{count(n, 'word')} {_was(n)} misread, none twice in the same way; those that are off by the least:"
    return f"{count(n, 'word')} {_was(n)} misread, in {count(len(ways), 'different way')}."


def facts(image: SpotImage, *, reads: bool) -> str:
    """What became of the words of one image, in a line."""
    return _counted(image.verdicts(), reads=reads)


def _counted(of: Mapping[str, int], *, reads: bool) -> str:
    named = {verdict: verdict_name(verdict, reads=reads) for verdict in VERDICTS if of.get(verdict)}
    return ", ".join(count(of[v], name) if v == ALARM else f"{of[v]:,} {name}" for v, name in named.items())


def image_numbers(scored: Spotted, row: int) -> str:
    """The H-means of one image by the protocols that the headline is not of, in a line."""
    others = [name for name in scored.protocols if name != ("end_to_end" if scored.reads else "detection")]
    named = (f"{metric_name(f'{name}_hmean')} {number(float(scored.hmeans(name)[row]))}" for name in others)
    return ", ".join(named)


def rest_words(words: Sequence[Word], chosen: Sequence[Word], *, reads: bool) -> str:
    """How many words of an image are cared for and not among the ``chosen``; empty where all are."""
    rest = Counter(word.verdict for word in words if word.verdict != UNCARED)
    rest.subtract(word.verdict for word in chosen)
    named = _counted(rest, reads=reads)
    return f"and {named} more" if named else ""


def word_line(word: Word, *, reads: bool) -> tuple[str, str]:
    """What stands beside the cut-out of a word: what was read, else what is written; and what is to be said of it."""
    name = verdict_name(word.verdict, reads=reads)
    if word.verdict == MISSED:
        near = (
            f"IoU {word.overlap:.2f} with the nearest detection" if word.overlap >= 0.005 else "nothing was found there"
        )
        return word.text or "", f"{name}: {near}"
    sure = f"score {word.score:.2f}"
    if word.verdict == ALARM:
        return said(word.read or "") if reads else "", f"{name}, {sure}"
    if word.verdict == MISREAD:
        return said(word.read or ""), f"{name}: it says {word.text}, {sure}"
    if reads and word.read != word.text:
        return said(word.read or ""), f"{name}: written {word.text}, {sure}"
    return word.text or "", f"{name}, {sure}" + f", IoU {word.overlap:.2f}" * (not reads)


def snippet_sentence(name: str) -> str:
    """What the lines under Recompute need and give."""
    return f"Run in the run folder, with saccade itself, this gives the {name} at the top, and the numbers beside it:"


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def _was(n: int) -> str:
    return "was" if n == 1 else "were"
