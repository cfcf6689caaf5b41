"""All that an operator may do, one member for each subject."""

from dataclasses import dataclass

from ratelimit.adaptive import Adaptive
from server.chat.auditing import Auditing
from server.chat.demand import Pins
from server.chat.explaining import Explaining
from server.chat.extras import ExtrasDesk
from server.chat.policies import PolicyDesk
from server.chat.previewing import Previewing
from server.chat.recent import Recent
from server.chat.releases import Releases
from server.chat.simulating import Simulating
from server.chat.users import UserDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The use cases behind `/admin`. Each checks nothing of the actor: the doors let operators through only."""

    audit: Auditing
    releases: Releases
    previewing: Previewing
    explaining: Explaining
    extras: ExtrasDesk
    users: UserDesk
    recent: Recent
    pins: Pins
    simulating: Simulating
    policies: PolicyDesk
    adaptive: Adaptive
    """What demand changes on this node."""
