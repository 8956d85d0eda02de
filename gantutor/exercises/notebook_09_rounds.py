"""Exercise of notebook 09: the doctor's rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gantutor.doctor import ILLNESSES
from gantutor.exercises.exercise import Exercise
from gantutor.exercises.judging import Unanswered, Wrong, describe


def diagnoses() -> dict[str, str]:
    return {
        "A": "oscillation",
        "B": "mode collapse",
        "C": "discriminator too weak",
        "D": "discriminator overfitting",
        "E": "discriminator too strong",
    }


RIGHT = diagnoses()

WHY = {
    "A": "the samples come near the data and leave them again, and the curve of the losses is a wave.",
    "B": "all pictures are the same one.",
    "C": "both losses stand still at log 2 and 2 log 2: the discriminator says the same of everything.",
    "D": "the logits of held-out digits have parted from those of the digits it was trained on.",
    "E": "the discriminator's loss goes to 0, and the generator stays where it was.",
}


def check_rounds(answer: Any) -> None:
    if not isinstance(answer, Mapping):
        raise Wrong(f"Answer with a dict from letter to illness, not {describe(answer)}.")
    if strange := sorted(map(str, set(answer) - set(RIGHT))):
        raise Wrong(f"There is no patient {strange[0]!r}: there are A to E.")
    if unknown := [illness for illness in answer.values() if illness not in ILLNESSES and illness is not ...]:
        raise Wrong(f"{unknown[0]!r} is no illness the doctor knows: {', '.join(ILLNESSES)}.")
    if not answer or all(illness is ... for illness in answer.values()):
        raise Unanswered
    if missing := [letter for letter in RIGHT if answer.get(letter, ...) is ...]:
        raise Wrong(f"Nothing is said of {', '.join(missing)} yet.")
    for letter, illness in RIGHT.items():
        if answer[letter] != illness:
            raise Wrong(f"{letter} is not {answer[letter]!r}. Look again: {WHY[letter]}")


def with_(**changes: Any) -> dict[str, Any]:
    return {**RIGHT, **changes}


ROUNDS = Exercise(
    number="09.5",
    title="The doctor's rounds",
    question="Five runs are ill, each in one way. Look at their pictures, and name what each has: one of "
    "mode collapse, oscillation, discriminator too strong, discriminator too weak, and discriminator "
    "overfitting.",
    hints=(
        "Which losses stand still, and at which value? log 2 ≈ 0.693 is what a discriminator pays that "
        "cannot tell.",
        "Two of them can be told from the samples alone; in one, compare training with held-out digits.",
    ),
    solution=RIGHT,
    why='`print(patients["A"].doctor)` says what the doctor saw, with the numbers; its own docstring says '
    "of which games each was made.",
    check=check_rounds,
    working=diagnoses,
    wrong=(
        (with_(A="mode collapse"), "come near the data"),
        (with_(B="oscillation"), "same one"),
        (with_(C="discriminator too strong", E="discriminator too weak"), "stand still"),
        (with_(D="mode collapse"), "have parted"),
        (with_(E="discriminator overfitting"), "goes to 0"),
        (with_(A=...), "Nothing is said of A"),
        (with_(F="oscillation"), "no patient 'F'"),
        (with_(A="flu"), "no illness"),
        ("oscillation", "a dict from letter"),
    ),
)

EXERCISES = (ROUNDS,)
