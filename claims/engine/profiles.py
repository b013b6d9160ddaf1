"""How hard to try: three profiles, and the seeds that make two runs judge the same cases."""

import hashlib
import os
import random
from dataclasses import dataclass
from typing import Literal

from hypothesis import HealthCheck, Phase, Verbosity, settings

ProfileName = Literal["quick", "default", "thorough"]
MISTAKE_CASES = 500  # in every profile: a mistake that survives so many is not refuted
CONTRACT_CASES = 10  # on top of every call of every claim, which is watched as well
CI_SEED = 2202


@dataclass(frozen=True)
class Profile:
    """How many cases a claim is tried on, and whether measured claims run and draw fresh seeds."""

    name: ProfileName
    cases: int
    measured: bool
    fresh: bool
    variant_cases: int  # a legal variant was found right by hand: it needs fewer cases than what a claim is about
    measured_variants: bool  # whether legal variants repeat the experiments: these take most of a run's time
    minimal: bool  # whether the counterexample of a myth must be the smallest that search finds


PROFILES: dict[str, Profile] = {
    "quick": Profile(
        "quick", 25, measured=False, fresh=False, variant_cases=10, measured_variants=False, minimal=False
    ),
    "default": Profile(
        "default", 100, measured=True, fresh=False, variant_cases=25, measured_variants=False, minimal=False
    ),
    "thorough": Profile(
        "thorough", 1000, measured=True, fresh=True, variant_cases=250, measured_variants=True, minimal=True
    ),
}


def search(cases: int, *, shrink: bool) -> settings:
    """Return Hypothesis' settings for a search, every field of them set here.

    Hypothesis loads another profile when it sees a CI service in the environment; a claim must be
    judged alike everywhere.  There is no database: the seed alone decides which cases are tried.
    No explain phase either: it costs more than everything else together.
    """
    return settings(
        settings.get_profile("default"),
        max_examples=cases,
        derandomize=False,
        database=None,
        verbosity=Verbosity.quiet,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        stateful_step_count=50,
        report_multiple_bugs=False,
        # How long drawing takes depends on the machine's load, and says nothing about the claim.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
        deadline=None,
        print_blob=False,
        backend="hypothesis",
    )


def run_seed(given: int | None) -> int:
    """Return the seed of a run: the one given, on CI always the same, else a fresh one."""
    if given is not None:
        return given
    return CI_SEED if os.environ.get("CI") else random.SystemRandom().randrange(2**32)


def seed_of(seed: int, name: str) -> int:
    """Return the seed of one item: it depends on the run's seed and the item's name, and on no order."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest())


def seeds_of(number: int, seed: int | None) -> list[int]:
    """Return the seeds of a measured claim: 0, 1, 2 …, or as many fresh ones drawn from `seed`."""
    return list(range(number)) if seed is None else random.Random(seed).sample(range(2**32), number)
