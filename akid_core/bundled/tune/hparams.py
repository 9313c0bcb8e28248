"""The search in TensorBoard's HPARAMS tab: an event file for each trial, and one that says what varies.

The protocol is that of TensorBoard's plugin `hparams`: an experiment, and for each session its start with the values,
its scalars, and its end. Everything is written anew, so that it never tells more than the ledger knows.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import (
    DATA_TYPE_FLOAT64,
    DATA_TYPE_STRING,
    STATUS_FAILURE,
    STATUS_SUCCESS,
    Experiment,
    HParamInfo,
    MetricInfo,
    MetricName,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboard.summary.writer.record_writer import RecordWriter

from akid_core.bundled.tune.ledger import Ended, Ledger

FILE = "events.out.tfevents.0000000000"


def write_hparams(ledger: Ledger, folder: Path) -> None:
    """Write all trials that ended into a folder for `tensorboard --logdir`, in place of what it held."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = {name: ledger.space.settings(ledger.points[name.point]) for name in ledger.ended}
    keys = list(dict.fromkeys(key for values in settings.values() for key in values))
    numeric = {key for key in keys if all(_is_number(values[key]) for values in settings.values() if key in values)}
    figures = list(dict.fromkeys(tag for end in ledger.ended.values() for tag in _scalars(end)))
    experiment = Experiment(
        hparam_infos=[
            HParamInfo(name=key, type=DATA_TYPE_FLOAT64 if key in numeric else DATA_TYPE_STRING) for key in keys
        ],
        metric_infos=[MetricInfo(name=MetricName(tag=tag)) for tag in figures],
    )
    _write(folder, [_hparams(metadata.EXPERIMENT_TAG, HParamsPluginData(experiment=experiment))], step=0)
    for name, end in ledger.ended.items():
        start = SessionStartInfo(group_name=f"point {name.point}", model_uri=f"trials/{name}")
        for key, value in settings[name].items():
            if key in numeric:
                start.hparams[key].number_value = value
            else:
                start.hparams[key].string_value = value if isinstance(value, str) else json.dumps(value)
        over = SessionEndInfo(status=STATUS_FAILURE if end.status == "failed" else STATUS_SUCCESS)
        values = [
            _hparams(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start)),
            *(Summary.Value(tag=tag, simple_value=value) for tag, value in _scalars(end).items()),
            _hparams(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=over)),
        ]
        _write(folder / str(name), values, step=end.step or 0)


def _scalars(end: Ended) -> dict[str, float]:
    """The figures of a trial by tag, those that are numbers."""
    splits: dict[str, Any] = {"train": end.train, "val": end.val, "test": end.test}
    found = {f"{split}/{name}": value for split, values in splits.items() for name, value in values.items()}
    return {tag: value for tag, value in found.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _hparams(tag: str, data: HParamsPluginData) -> Summary.Value:
    return Summary.Value(tag=tag, tensor=metadata.NULL_TENSOR, metadata=metadata.create_summary_metadata(data))


def _write(folder: Path, values: Iterable[Summary.Value], step: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(file_version="brain.Event:2").SerializeToString())
        for value in values:
            writer.write(Event(step=step, summary=Summary(value=[value])).SerializeToString())
