"""Looks for requests of which nobody knows whether they have arrived, where somebody can say."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.deleverage.history import History
from monitor.deleverage.hooks import Answer, Hook, Taken
from monitor.deleverage.request import DeleverageRequest


async def found_out(
    history: History, hooks: Sequence[Hook], wall_ns: int
) -> list[tuple[DeleverageRequest, str, Answer]]:
    """What is known by now. What is void and not there will not come any more."""
    answers = []
    for past, name in history.unknown():
        hook = next((hook for hook in hooks if hook.name == name), None)
        has = None if hook is None else await hook.has(past.request.id)
        if has:
            answers.append((past.request, name, Answer(Taken.TAKEN, "found there")))
        elif has is False and wall_ns > past.request.expires_ns:
            answers.append((past.request, name, Answer(Taken.REFUSED, "never arrived")))
    return answers
