"""Write text with a language model that one of the recipes char_gpt, char_lstm and char_elman has trained.

    akid practice char_lstm --run-dir runs/lstm --set sensors.source.path=moby-dick.txt
    python examples/generate_text.py runs/lstm --prompt "Call me " --characters 300

A network with feedback reads one character after the other and carries what it has read; a GPT reads its last
characters anew for each that follows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

import akid_core as akid
from akid_core.training.stored import kid_of_run

Reader = Callable[[list[int]], np.ndarray]
"""Takes a text, as indices of characters, that is longer at each call; gives the scores of the one that follows."""


def step_by_step(kid: akid.Kid) -> Reader:
    """Reads what is new of the text, and carries the state of feedback."""
    stepper = kid.stepper()
    read = 0

    def follows(text: list[int]) -> np.ndarray:
        nonlocal read
        for character in text[read:]:
            scores = stepper(np.array([[character]]))
        read = len(text)
        return scores[0, -1]

    return follows


def by_window(kid: akid.Kid) -> Reader:
    """Reads the last characters, as many as the network takes; it looks at none behind the one that it judges."""
    length = kid.graph.inputs["text"].row[0]

    def follows(text: list[int]) -> np.ndarray:
        window = text[-length:]
        return kid.predict(np.array([window + [0] * (length - len(window))]))[0, len(window) - 1]

    return follows


def written(kid: akid.Kid, prompt: str, characters: int, temperature: float, seed: int) -> str:
    """The prompt and what follows it: each character drawn by softmax(scores / temperature).

    `temperature`: 1 draws as the network believes; lower takes more often what is likely.
    """
    vocabulary, random = kid.train_sensor.source.vocabulary, np.random.default_rng(seed)
    if unknown := set(prompt) - set(vocabulary):
        raise SystemExit(f"The network knows no {', '.join(map(repr, sorted(unknown)))}; it knows {vocabulary!r}.")
    feedback = any(isinstance(block, akid.Unroll) for block in kid.config.brain.blocks.values())
    follows = step_by_step(kid) if feedback else by_window(kid)
    text = [vocabulary.index(character) for character in prompt]
    for _ in range(characters):
        scores = follows(text)[: len(vocabulary)] / temperature
        chances = np.exp(scores - scores.max())
        text.append(int(random.choice(len(vocabulary), p=chances / chances.sum())))
    return "".join(vocabulary[index] for index in text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir")
    parser.add_argument("--prompt", default="The ")
    parser.add_argument("--characters", type=int, default=400)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    kid, _ = kid_of_run(options.run_dir)
    print(written(kid, options.prompt, options.characters, options.temperature, options.seed))


if __name__ == "__main__":
    main()
