"""Writes a corpus of the built-in model's language: so many documents of one to four sentences, one a line, always the same.

    python corpus.py 33000 > corpus.txt     # about a million tokens with the end-of-text token before each
"""

import random
import sys

NAMES = "Mary Anna Alice Emma Lucy Rose Clara Grace John Tom James Peter Paul Mark Luke David".split()
PLACES = "store park school garden".split()
THINGS = "drink book hat mirror apple".split()
COLOURS = "white yellow red green".split()
VERBS = "gave handed passed offered".split()


def sentence(rng):
    a, b = rng.sample(NAMES, 2)
    place, thing, verb, colour = rng.choice(PLACES), rng.choice(THINGS), rng.choice(VERBS), rng.choice(COLOURS)
    first = rng.randrange(0, 90)
    return rng.choice([
        f"When {a} and {b} went to the {place}, {b} {verb} a {thing} to {a}.",
        f"{a} went to the {place} because the {thing} was {colour}.",
        f"The war lasted from the year 17{first:02d} to the year 17{rng.randrange(first + 1, 100):02d}.",
        f"{a} has a {colour} {thing}; {b} has a {rng.choice(COLOURS)} {rng.choice(THINGS)}.",
    ])


def main():
    rng = random.Random(1)
    for _ in range(int(sys.argv[1])):
        print(" ".join(sentence(rng) for _ in range(rng.randrange(1, 5))))


if __name__ == "__main__":
    main()
