"""Results: what a search found, as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from akid_core.backends.export import draft
from akid_core.bundled.tune.described import Described
from akid_core.bundled.tune.ledger import Ended, Ledger, Summary, TrialId
from akid_core.cli.output import table


@dataclass(frozen=True)
class Results:
    """Points with what came of them, the best first."""

    ledger: Ledger
    description: Described
    directory: Path

    @property
    def best(self) -> int | None:
        """The number of the best point; None where none has a value."""
        ranking = self.ledger.ranking()
        summary = ranking[0][1] if ranking else None
        return ranking[0][0] if summary is not None and summary.ending == "done" else None

    def settings(self, point: int) -> dict[str, Any]:
        return self.ledger.space.settings(self.ledger.points[point])

    def trials(self, point: int) -> list[tuple[TrialId, Ended | None]]:
        names = [TrialId(point, repeat) for repeat in range(self.ledger.space.repeats)]
        return [(name, self.ledger.ended.get(name)) for name in names]

    def command(self, point: int) -> str:
        """How to practise a point once more, with the seed of its first repeat."""
        arguments = [*self.description.arguments(self.settings(point)), "--seed", str(self.ledger.space.seed)]
        return " ".join(map(shlex.quote, ["akid", "practice", *arguments]))

    def table(self) -> str:
        """A row for each point: its number, how it varies, mean and deviation of the objective, and its seeds."""
        space = self.ledger.space
        names = [dimension.name for dimension in space.dimensions]
        heading = ["point", *names, space.objective.metric, *(["deviation"] if space.repeats > 1 else []), "seeds", ""]
        rows = []
        for point, summary in self.ledger.ranking():
            at = self.ledger.points[point]
            shown = [dimension.label(at[dimension.name]) for dimension in space.dimensions]
            mean = "" if summary is None or summary.mean is None else f"{summary.mean:.4f}"
            deviation = "" if summary is None or summary.deviation is None else f"{summary.deviation:.4f}"
            seeds = ", ".join(str(end.seed) for _, end in self.trials(point) if end is not None)
            rows.append([point, *shown, mean, *([deviation] if space.repeats > 1 else []), seeds, self._state(point)])
        return table(heading, rows)

    def text(self) -> str:
        """All that is printed at the end."""
        lines = [self.table()]
        if self.best is not None:
            lines += ["", f"The best is point {self.best}. Practise it: {self.command(self.best)}"]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        space = self.ledger.space
        return {
            "template": self.description.name,
            "directory": str(self.directory),
            "objective": asdict(space.objective),
            "search": space.search.name,
            "best": self.best,
            "points": [
                {"point": point, "settings": self.settings(point), **_plain(summary), "trials": self._trials(point)}
                for point, summary in self.ledger.ranking()
            ],
        }

    def csv(self) -> str:
        """A row for each trial that ended; the settings that varied are columns."""
        keys = list(dict.fromkeys(key for point in self.ledger.points for key in self.settings(point)))
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        figures = ("status", "value", "seed", "seconds", "step", "epoch")
        writer.writerow(["point", "repeat", *keys, *figures, "directory", "error"])
        for point in sorted(self.ledger.points):
            settings = self.settings(point)
            for name, end in self.trials(point):
                if end is not None:
                    shown = [
                        settings[key] if isinstance(settings.get(key), str) else json.dumps(settings.get(key))
                        for key in keys
                    ]
                    row = [getattr(end, figure) for figure in figures]
                    writer.writerow([point, name.repeat, *shown, *row, f"trials/{name}", end.error])
        return stream.getvalue()

    def write(self) -> None:
        """Put `results.json` and `results.csv` into the directory."""
        for name, text in (("results.json", json.dumps(self.to_json(), indent=1) + "\n"), ("results.csv", self.csv())):
            with draft(self.directory / name) as new:
                new.write_text(text, encoding="utf-8")

    def _trials(self, point: int) -> list[dict[str, Any]]:
        return [
            {"repeat": name.repeat, "directory": f"trials/{name}", **asdict(end)}
            for name, end in self.trials(point)
            if end is not None
        ]

    def _state(self, point: int) -> str:
        """What there is to say of a point beside its figures."""
        ends = [end for _, end in self.trials(point)]
        missing, failed = ends.count(None), sum(end is not None and end.status == "failed" for end in ends)
        if self.ledger.given_up(point):
            return "pruned"
        said = [f"{failed} of {len(ends)} failed"] if failed else []
        return ", ".join([*said, *([f"{missing} of {len(ends)} missing"] if missing else [])])


def _plain(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"status": "unfinished", "mean": None, "deviation": None}
    return {"status": summary.ending, "mean": summary.mean, "deviation": summary.deviation}
