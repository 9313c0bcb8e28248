"""What a run says of itself once, when it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from akid_core.training.difference import difference
from akid_core.training.named import frozen_note

if TYPE_CHECKING:
    from akid_core.training.kid import Kid


def run_notes(kid: Kid, resumed: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Sentences: of the plan, of parameters, and of what changed since the checkpoint state `resumed`."""
    plan = kid.plan
    if resumed is not None:
        yield from _moved(resumed, kid)
    yield from plan.notes
    if plan.step:
        yield f"execution.step: {plan.step} takes the place of the train program of {plan.backend}."
    if kid.state.started:
        yield kid.state.started
    if frozen := frozen_note(kid):
        yield frozen


def _moved(state: Mapping[str, Any], kid: Kid) -> Iterator[str]:
    """That a run goes on under another backend or another plan, and so with other last bits."""
    old, new = ({key: value for key, value in plan.items() if key not in ("versions", "notes")}
                for plan in (state["plan"], kid.plan.to_json()))  # fmt: skip
    old = {key: old.get(key, value) for key, value in new.items()}  # an older version knew fewer settings
    if old["backend"] != new["backend"]:
        yield f"The run goes on under {new['backend']}; up to step {state['step']} it ran under {old['backend']}."
    elif changed := difference(_plain(old), _plain(new), "plan"):
        yield f"The run goes on under another plan, so its last bits may differ: {changed}."


def _plain(plan: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plan.items()}
