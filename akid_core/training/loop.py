"""The practice loop. No backend's name in it; what looks where is in `Run`.

In words: hand the strategy a span of steps, take what it measured, and let those look whose turn it is: the log, the
end of an epoch, validation, checkpoint. Then go on, unless a limit, early stopping or a signal says otherwise.
"""

from __future__ import annotations

from akid_core.training.result import PracticeResult, Status
from akid_core.training.run import Run
from akid_core.training.signals import SignalWatch


def practise(run: Run, signals: SignalWatch) -> PracticeResult:
    """Practise until the limit, save, and measure what was learned; observers hear of the end, good or bad."""
    try:
        with run.validating():
            status = _steps(run, signals)
            run.save()
            result = run.finish(status)
        run.emit("practice_end", {f"test/{name}": value for name, value in result.test.items()})
    except BaseException as error:
        run.fail(error)
        raise
    return result


def _steps(run: Run, signals: SignalWatch) -> Status:
    """Take the steps that remain; the reason why they ended."""
    with run.spans() as spans:
        run.emit("practice_begin")
        if run.stops():
            return "stopped_early"
        for span in spans:
            result = run.take(span)
            run.advance(span, result)
            run.emit("span_end", run.log_values())
            if run.ends_epoch():
                run.emit("epoch_end")
            improved = run.validate() if run.validates() else False
            status = signals.status if run.strategy.agree(signals.status is not None) else None
            if improved or status or run.stops() or run.saves():
                run.save()
            if status or run.stops():
                return status or "stopped_early"
    return "done"
