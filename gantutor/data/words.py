"""Short texts of common words, digits and random letters, for networks that read and write."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from gantutor._checks import boolean, checked, integer
from gantutor._errors import InputError, type_name
from gantutor.data.handwriting_fonts import ALPHABET

LONGEST = 12
"""Characters of a text at most."""

_TEXT = """
able about above add after again air all also always and animal answer any are around ask away back bad
base be bear beauty because bed been before begin behind best better between big bird black blue boat
body book both box boy bring brown build busy but buy by call came can car care carry cause centre change
check children city class clear close cold colour come common could country course cover cross cry cut
dark day deep did differ dinner do dog done door down draw dream drive dry during each ear early earth
east easy eat end enough even ever every eye face fact fall family far farm fast father feel feet few
field figure fill final find fine fire first fish five fly follow food foot for force form found four
free friend from front full game garden gave get girl give glass go gold good got great green ground
group grow half hand happy hard has have he head hear heart heat help her here high him his hold home
horse hot hour house how hundred idea if in inch ink island it job join judge jump just keep kind king
knew know land language large last late laugh lay lead learn leave left less let letter life light like
line list listen little live long look lot love low machine made main make man many map mark may me mean
measure men might mile milk mind minute miss money moon more morning most mother mountain move much music
must my name near need never new next night nine no north nose not note nothing notice noun now number
object ocean of off often oil old on once one only open or order other our out over own page paint paper
part pass past pattern pen people perhaps person picture piece place plain plan plant play please point
poor port pose power press problem produce product pull put quart queen question quick quiet quite rain
ran reach read ready real red rest right river road rock room round rule run safe said sail same saw say
school sea second see seem self sell send sentence serve set seven several shall shape she ship short
should show side simple since sing sit six size sky sleep slow small snow so some song soon sound south
space spell stand star start state stay step still stone stop story street strong study such summer sun
sure table tail take talk teach tell ten test than that the them then there these they thing think this
those thought three through time tire to today together told too took top toward town travel tree true
try turn two type under unit until up use usual valley very view visit voice vowel wait walk want war
warm was watch water wave way we week weight well went were west what wheel when where which while white
who whole why will wind winter wish with wonder wood word work world would write year yes yet you young
your zebra zero zone
"""

WORDS = tuple(_TEXT.split())
"""Common English words."""


@checked(count=integer(1), seed=integer(0), held_out=boolean())
def random_texts(count: int, seed: int = 0, held_out: bool = False, digits: bool = False) -> list[str]:
    """Draw short texts: words, some capitalised or with a mark, pairs of words, numbers, random letters.

    Every fifth word is held out: it occurs in held-out texts only, and these have no other words.

    Args:
        count: the number of texts, at least 1.
        seed: seed of the random numbers, at least 0.
        held_out: whether to draw from the held-out words.
        digits: whether to draw numbers of one to six digits only.

    Returns:
        Texts of 1 to 12 characters of ``ALPHABET``.

    >>> random_texts(3, seed=1, digits=True)
    ['36569', '0', '3']
    """
    rng = random.Random(f"{seed} {held_out}")
    words = [word for index, word in enumerate(WORDS) if (index % 5 == 4) == held_out]
    return [_number(rng) if digits else _text(rng, words) for _ in range(count)]


def _number(rng: random.Random) -> str:
    return "".join(rng.choices("0123456789", k=rng.randint(1, 6)))


def _text(rng: random.Random, words: list[str]) -> str:
    kind = rng.random()
    if kind < 0.1:
        return _number(rng)
    if kind < 0.3:
        text = "".join(rng.choices(ALPHABET[:26], k=rng.randint(2, 8)))
    elif kind < 0.45:
        text = " ".join(rng.choice(words) for _ in range(2))[:9].strip()
    else:
        text = rng.choice(words)
    case = rng.random()
    text = text.upper()[:8] if case < 0.06 else text.capitalize() if case < 0.3 else text
    if case < 0.02:
        text = "".join(rng.choices(ALPHABET[26:52], k=rng.randint(1, 6)))
    return text + rng.choice(".,!?'-") if rng.random() < 0.15 else text


def encode_text(texts: list[str]) -> Tensor:
    """Return texts as numbers (N, 12): 1 for the first character of ``ALPHABET``, 0 after the end.

    Args:
        texts: texts of at most 12 characters of ``ALPHABET``.

    Raises:
        InputError: if a text is longer, or has another character.

    >>> encode_text(["abc"])[0, :4]
    tensor([1, 2, 3, 0])
    """
    codes = torch.zeros(len(texts), LONGEST, dtype=torch.long)
    for row, text in enumerate(texts):
        check_text(text, LONGEST)
        codes[row, : len(text)] = torch.tensor([ALPHABET.index(character) + 1 for character in text])
    return codes


def decode_text(codes: Tensor) -> list[str]:
    """Return the texts of numbers (N, L) as ``encode_text`` gives them; zeros are left out.

    >>> decode_text(torch.tensor([[1, 2, 0, 3]]))
    ['abc']
    """
    return ["".join(ALPHABET[code - 1] for code in row if code) for row in codes.tolist()]


def check_texts(**lists: object) -> None:
    """Check that each argument is a list of texts.

    Args:
        **lists: the lists by their names.

    Raises:
        InputError: if one is not.

    >>> check_texts(texts=["ink"])
    """
    for name, texts in lists.items():
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise InputError(f"{name} must be a list of texts in quotes, not {texts!r:.60}")


def check_text(text: object, longest: int) -> str:
    """Check that a text is not empty, not too long, and has characters of ``ALPHABET`` only.

    Args:
        text: the text.
        longest: characters at most.

    Raises:
        InputError: if it is not such a text.

    >>> check_text("naïve", 12)
    Traceback (most recent call last):
    ...
    gantutor.InputError: the text has 'ï', but only a to z, A to Z, 0 to 9, spaces and .,!?'- can be written
    """
    if not isinstance(text, str):
        raise InputError(f"the text must be a text in quotes, not {type_name(text)}")
    if not text.strip():
        raise InputError("the text is empty: give at least one letter or digit")
    if len(text) > longest:
        raise InputError(f"the text has {len(text):,} characters, but at most {longest:,} are allowed")
    for character in text:
        if character not in ALPHABET:
            raise InputError(
                f"the text has {character!r}, but only a to z, A to Z, 0 to 9, spaces and .,!?'- can be "
                "written"
            )
    return text
