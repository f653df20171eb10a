"""Captions cut into words as coco-caption does before it scores: Penn Treebank rules, lower case, no punctuation.

The rules describe what Stanford's tokenizer (CoreNLP 3.4.1, ``PTBTokenizer -preserveLines -lowerCase``) is seen to do
with captions, so that its jar is not needed. Possessives and contractions are cut off (``man 's``, ``is n't``,
``can not``), brackets and a few symbols are spelled out (``-lrb-``), and quotes, dashes, commas, colons, semicolons and
single full stops, question and exclamation marks go. ``t-shirt``, ``he/she``, ``5:30``, ``p.m.``, ``mr.``, ``1/2`` and
``o'clock`` stay whole.

The jar reads all captions as one text, so that the first word of a caption decides whether a single letter that ends
the one before keeps its full stop (``plan b.``). Here each caption stands alone, and such a letter loses it, as it does
where the next caption starts with "A" or "The".
"""

from __future__ import annotations

import re

_ABBREVIATIONS = """
    adm al ala alex apr ariz assn asst attys? aug ave bancorp bhd bldg blvd bros brig calif capt cf cie cm?dr col colo
    conn corp cos? cpl ct dak dec dept det drs? elec esq est etc ext feb fla fri ft ga gen govs? hon inc ind intl invt
    jan jos jr jul jun kan ky lieut lt ltd maj mar md messrs mfg mich minn mon mont mo mrs? ms mt mtg natl neb nev nov
    oct okla pfc ph plc pres profs? ptys? pte pvt rd reps? rev sens? sept? sgt spc sq sr ste? supts? sys tel tenn thu
    thurs treas tues? univ va vs vt wed wis wm wyo
"""
_COUNTED = "art ca fig no op pp"  # abbreviations before a number only
_WITH_APOSTROPHE = "c'mon cap'n dunkin' e'er hallowe'en li'l ma'am ne'er nor'easter ol' s'mores somethin' you'all"
_OPENERS = """
    A About After An As At But He Her Here If In It Many Now Once One Our She Since So Some That The Their Then There
    These They This We What When While You
"""  # with a capital, after the full stop of a single letter: a sentence starts here


def _one_of(words: str) -> str:
    """A pattern of any of these words, whichever apostrophe they are written with."""
    return f"(?:{'|'.join(words.split())})".replace("'", "['’]")


_LETTER = r"(?:(?![\d_¹²³¼½¾⅓⅔])[\w\u0300-\u036f])"  # with the accents that may follow it
_ALNUM = r"(?:(?![_¹²³¼½¾⅓⅔])[\w\u0300-\u036f])"  # a letter or a digit
_PART = rf"(?:[dlno]['’](?=[^\W_]))?{_ALNUM}+"  # of a compound, o'clock and l'eau among them
_SLASHED = r"[a-z0-9]+(?:-[a-z]+){0,2}"
_NO_DOT = r"""[^\s"'`<>|.!?(){},\-$/]"""
_PATH = r"""/[^\s"<>|()]+[^\s"<>|.!?(){},-]"""

_WORDS = (
    # the web: http://a.org/b, a.com, a@b.com, @home, #dog
    rf"https?:/{_PATH}",
    rf"(?:{_NO_DOT}+\.)+(?:com|net|org|edu)(?:{_PATH})?(?!{_ALNUM})",
    rf"{_ALNUM}[\w.-]*@{_ALNUM}+(?:[.-]{_ALNUM}+)*",
    rf"@[a-z_]\w*|#{_LETTER}+",
    # an apostrophe that belongs to the word: rock 'n' roll, 'em, '90s, '90, 'tis, y'all
    rf"['’]n['’]|['’](?:n|em|til|cause)(?!{_ALNUM})|['’]\d0s(?!{_ALNUM})|['’]\d\d(?=[\s.,;:!?]|$)",
    rf"'t(?=(?:is|was)(?:(?!{_ALNUM})|n['’]t))|y['’](?=all|know)",
    rf"{_one_of(_WITH_APOSTROPHE)}(?!{_ALNUM})",
    # two words written as one: can not, gon na, lem me; and what comes before n't
    r"(?:can(?=not)|(?:gon|wan)(?=na)|got(?=ta)|(?:lem|gim)(?=me))(?=(?:not|na|ta|me)(?![\w-]|['’]\w))",
    rf"{_LETTER}+(?=n['’`‛]t)",
    # compounds: he/she, 25-year-old, 5,000-foot, u.s.-born
    rf"{_SLASHED}(?:/{_SLASHED}){{1,2}}",
    rf"[a-z0-9][a-z0-9.,]*(?:-[a-z](?:\.[a-z])+\.|-[a-z0-9]+)+(?:[-_]{_PART})*",
    # full stops that stay: p.m., mr., no. 5, j. smith, and one before a comma
    r"ph\.d\.|[a-z](?:\.[a-z])+\.(?![a-z])",
    rf"{_one_of(_ABBREVIATIONS)}\.(?!{_LETTER})|{_one_of(_COUNTED)}\.(?= ?\d)",
    rf"[a-z]\.(?!{_LETTER}|\s*$|\s+(?-i:{_one_of(_OPENERS)})(?!\w))",
    rf"(?:{_LETTER}{_ALNUM}*|\d+)\.(?=[,;:])",
    # AT&T, US$, c#; end.start without a space; 5:30, 1,000 and .5
    r"(?-i:[A-Z]+(?:[&+][A-Z]+)+|[A-Z]+\$)|[cf]#|c\+\+",
    rf"{_LETTER}{_ALNUM}*(?:[.!?]{_LETTER}{_ALNUM}*)+",
    r"[-+]?\d*(?:[.:,]\d+)+",
    # any other word or number, and runs of signs
    rf"{_PART}(?:[-_]{_PART})*|[-+]\d+",
    r"\?[?!]+|![?!]+|\*+|_+|##+|@@+|<<|>>",
)

_RULES = (
    # most words, at once: nothing but letters up to the next space, and none that is cut
    r"(?P<plain>(?!cannot|go(?:nn|tt)a|[lg][ei]mme|wanna)[a-z]+(?=,?(?: |$)))",
    # a space inside, which becomes a blank that is none to ROUGE-L: 1 1/2; a tag such as <unk>
    r"(?P<spaced>\d{1,4}[ \xa0-]\d{1,4}/\d{1,4}(?![\w/])|</?[a-z][a-z0-9:]*(?:\s[^<>]*)?/?>)",
    r"['’]['’]",  # a quotation mark made of two: not the start of 's
    rf"(?P<clitic>n['’`‛]t(?!{_ALNUM})|['’](?:s|m|d|re|ve|ll)(?!{_ALNUM}))",
    rf"(?P<word>{'|'.join(_WORDS)})",
    rf"(?P<smiley>[<>]?[:;=][-'o*]?(?:[()\\{{@|[\]]|(?:[dp]|(?-i:O))(?!{_ALNUM})))",
    # dropped: a rule without a name
    r"""[-–—―.,;:!?'"`“”‘’‛…«»‹›]|&quot;""",
    # all else is a word of its own, but for joiners, marks of direction, and emoji, which go
    r"(?P<symbol>&(?:amp|lt|gt);|[^\s\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\U00010000-\U0010ffff])",
)
"""Tried in this order wherever the last token ended."""

_TOKEN = re.compile("|".join(_RULES), re.IGNORECASE)

_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_SYMBOLS = _BRACKETS | {"£": "#", "€": "$", "¢": "cents", "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_SYMBOLS |= {"¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_SPELLINGS = {
    "clitic": str.maketrans({"’": "'", "‛": "`"}),
    "smiley": str.maketrans({sign: _BRACKETS[sign] for sign in "(){"}),
    "spaced": str.maketrans({" ": "\xa0"}),
}


def tokenize(caption: str) -> str:
    """The words of ``caption`` in lower case, joined by one space; "" where there are none.

    >>> tokenize("A man's dog isn't here, it's 5:30 p.m.!")
    "a man 's dog is n't here it 's 5:30 p.m."
    """
    words = []
    for match in _TOKEN.finditer(caption):
        kind, text = match.lastgroup, match[0]
        if kind in _SPELLINGS:
            words.append(text.translate(_SPELLINGS[kind]))
        elif kind is not None:
            words.append(_SYMBOLS.get(text, text))
    return " ".join(words).lower()
