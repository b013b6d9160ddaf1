"""Exact statistics for measured claims."""

from collections.abc import Iterable

from claims.toolbox.comparison import Off


def at_least(needed: int, of: int, successes: Iterable["tuple[int, bool | Off]"]) -> "bool | Off":
    """Return True if `needed` of `of` seeds succeed, else an Off that tells the count and a failure.

    `successes` yields a seed and whether it succeeded, and is read only until the answer is settled:
    what is true is settled after `needed` successes, what is false after `of - needed + 1` failures.
    """
    won, lost = 0, []
    for seed, success in successes:
        if success:
            won += 1
        else:
            lost.append((seed, success))
        if won >= needed or len(lost) > of - needed:
            break
    if won >= needed:
        return True
    seed, reason = lost[-1]
    why = f": {reason!r}" if isinstance(reason, Off) else ""
    return Off(f"{won} of {won + len(lost)} seeds, where {needed} of {of} should; not seed {seed}{why}")
