"""What language models of characters reach on a real text, beside what counting characters and pairs reaches.

`python bench/language.py` practises each recipe in a process of its own, on the book that `tests/real/fetch.py` gets,
and prints a table; `--text` takes another file. Perplexities are of the characters of the validation text, the last
tenth, each from what stands before it; for a network from the start of its window of 64 characters on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from akid_core.data.place import data_dir
from akid_core.training.description import read_description
from akid_core.training.kid import Kid
from akid_datasets.sources.text import Text

RECIPES = ("char_gpt", "char_lstm", "char_elman")


def counted(path: Path, length: int = 64) -> tuple[float, float]:
    """The perplexities of the validation text by frequencies in training: of characters alone, and after each other.

    Every character is counted once too often, and every pair as if one more had been seen, spread as characters are.
    """
    train = Text(path=path, length=length, val=0.1)
    val = replace(train, split="val")
    (known, after), (context, wanted) = (
        [each.column(name).ravel() for name in ("text", "next")] for each in (train, val)
    )
    size = len(train.vocabulary)
    alone = (np.bincount(after, minlength=size) + 1.0) / (len(after) + size)
    pairs = np.zeros((size, size))
    np.add.at(pairs, (known, after), 1.0)
    following = (pairs + alone) / (pairs.sum(axis=1, keepdims=True) + 1.0)
    return perplexity(alone[wanted]), perplexity(following[context, wanted])


def perplexity(chances: np.ndarray) -> float:
    return float(np.exp(-np.log(chances).mean()))


def practise(recipe: str, backend: str, seed: int, text: Path, changes: list[str]) -> tuple[float, float, int]:
    """The perplexities of training and validation at the end of one run, and its number of steps."""
    said = [f"backend={backend}", f"seed={seed}", f"sensors.source.path={text}", *changes]
    kid = Kid.from_config(*read_description(recipe, said))
    with tempfile.TemporaryDirectory() as folder:
        result = kid.practice(run_dir=folder)
    return result.train["perplexity"], result.val["perplexity"], kid.state.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--backends", nargs="+", default=["torch"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--text", type=Path, default=data_dir() / "moby_dick" / "moby-dick.txt")
    parser.add_argument("--set", action="append", default=[], dest="changes", help="as of akid practice")
    options = parser.parse_args()
    alone, following = counted(options.text)
    print("| | backend | seed | steps | train | validation | seconds |\n" + "|---" * 7 + "|")
    print(f"| frequencies of characters | | | | | {alone:.2f} | |")
    print(f"| frequencies of pairs | | | | | {following:.2f} | |", flush=True)
    for recipe in options.recipes:
        for backend in options.backends:
            for seed in range(options.seeds):
                begun = time.perf_counter()
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                    run = process.submit(practise, recipe, backend, seed, options.text.resolve(), options.changes)
                    train, validation, steps = run.result()
                seconds = time.perf_counter() - begun
                row = f"{recipe} | {backend} | {seed} | {steps:,} | {train:.2f} | {validation:.2f} | {seconds:.0f}"
                print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
