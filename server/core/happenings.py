"""Everything that observers can hear of: one catalogue of names, each with what it is and what it says."""

from enum import Enum, StrEnum
from typing import Self


class Kind(Enum):
    """What becomes of a happening."""

    NEWS = "news"
    """A line in the logs."""
    FIGURE = "figure"
    """A number for metrics, and no line."""
    FAULT = "fault"
    """Something is wrong: a warning in the logs, and a count of faults."""


class Happening(StrEnum):
    """The name of something that happens; `about` is its sentence."""

    kind: Kind
    about: str

    def __new__(cls, name: str, kind: Kind, about: str) -> Self:
        """Return the member; `name` is its value."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.kind, member.about = kind, about
        return member

    TURN_STARTED = "turn_started", Kind.FIGURE, "A turn was accepted and is being answered here."
    TURN_ENDED = "turn_ended", Kind.NEWS, "A turn has ended; the value is its seconds, `status` how it ended."
    TURN_ADOPTED = "turn_adopted", Kind.NEWS, "A turn whose owner is gone was taken over."
    FIRST_TOKEN = "first_token", Kind.FIGURE, "The first text of an answer came; the value is the seconds it took."
    INPUT_TOKENS = "input_tokens", Kind.FIGURE, "The tokens of the prompt of a turn that has ended."
    OUTPUT_TOKENS = "output_tokens", Kind.FIGURE, "The tokens of the answer of a turn that has ended."
    REFUSED = "refused", Kind.FIGURE, "A call was not served; `code` is of the catalogue of errors."
    LIMIT = "limit", Kind.FIGURE, "How many answers at once the upstreams of a model are asked for now."
    POLICY_LIVE = "policy_live", Kind.NEWS, "Another revision of the policy holds on this node now."
    POLICY_WAITS = "policy_waits", Kind.FAULT, "The policy of the files is a draft: an operator's revision is live."
    POLICY_REFUSED = "policy_refused", Kind.FAULT, "The live policy contradicts this node's models; the last one holds."
    CAP_PUBLISHED = "cap_published", Kind.NEWS, "The part of their cap that a tier has changed; `part` is in per cent."
    UPSTREAM_FAILED = "upstream_failed", Kind.FAULT, "An upstream did not accept a call."
    TURN_CRASHED = "turn_crashed", Kind.FAULT, "An answer was lost to a mistake of this program or a broken store."
    STORAGE_FAILED = "storage_failed", Kind.FAULT, "A turn could not be stored and was refused; nothing was charged."
    CAPS_LOCAL = (
        "caps_local",
        Kind.FAULT,
        "The ledger of the caps is away; this node counts by what the database knows.",
    )
    CAPS_SHARED = (
        "caps_shared",
        Kind.NEWS,
        "The ledger of the caps is back, and all that was let in meanwhile is in it.",
    )
    SETTLE_FAILED = "settle_failed", Kind.FAULT, "The ledger did not take what a turn has cost; it is told again."
    BEAT_FAILED = "beat_failed", Kind.FAULT, "Leases were not renewed, or orphans not looked for, in one beat."
    TIDY_FAILED = "tidy_failed", Kind.FAULT, "Old turns could not be forgotten in one round."
    TITLE_FAILED = (
        "title_failed",
        Kind.FAULT,
        "A title could not be written; the first words of the conversation stand.",
    )
    MIRROR_FAILED = "mirror_failed", Kind.FAULT, "A turn of another process could not be read."
    FOLLOW_FAILED = "follow_failed", Kind.FAULT, "Followed conversations could not be read in one look."
    DEMAND_FAILED = "demand_failed", Kind.FAULT, "Demand could not be followed for a second, or caps not be published."
    REFUSALS_LOST = "refusals_lost", Kind.FAULT, "What users were refused could not be kept for later."
    PERSONA_RELOADED = "persona_reloaded", Kind.NEWS, "What a persona's file holds now is live."
    PERSONA_HELD_BACK = (
        "persona_held_back",
        Kind.FAULT,
        "What a persona's file holds now became a draft: an operator made another one live, or this one may not be.",
    )
    PERSONA_PROBLEM = (
        "persona_problem",
        Kind.FAULT,
        "A persona's file has a problem; where it is an error, the last good revision goes on answering.",
    )
    RELOAD_FAILED = "reload_failed", Kind.FAULT, "Files of personas or their labels could not be looked at."
    WAKEUPS_FAILED = "wakeups_failed", Kind.FAULT, "Hints between processes could not be sent or heard."
