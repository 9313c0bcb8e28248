"""The practice loop. No backend's name in it; what looks where is in `Run`.

In words: hand the strategy a span of steps, take what it measured, and let those look whose turn it is: the log, the
end of an epoch, validation, checkpoint. Then go on, unless a limit, early stopping or a signal says otherwise.
"""

from __future__ import annotations

from akid_core.training.result import Status
from akid_core.training.run import Run
from akid_core.training.signals import SignalWatch


def practise(run: Run) -> Status:
    """Practise until the limit; the reason why it ended."""
    with SignalWatch() as signals, run.spans() as spans:
        run.emit("practice_begin")
        for span in spans:
            result = run.strategy.run(span, run.learning_rates(span.first_step, span.steps))
            run.advance(span, result)
            run.emit("span_end", run.log_values())
            if run.ends_epoch():
                run.emit("epoch_end")
            improved = run.validate() if run.validates() else False
            stopped = run.state.exhausted(run.practice.best)
            status = signals.status if run.strategy.agree(signals.status is not None) else None
            if improved or stopped or status or run.saves():
                run.save()
            if status or stopped:
                return status or "stopped_early"
    return "done"
