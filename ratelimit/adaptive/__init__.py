"""How many answers at once upstreams take now, who gives way when that is few, which caps are published meanwhile.

Two loops, both pure, with time as an argument in microseconds. The fast one (`concurrency`, `places`) follows an
upstream within seconds; the slow one (`publishing`) moves the caps that users see, in steps of minutes. `Adaptive` puts
them together.
"""

from ratelimit.adaptive.adaptive import Adaptive
from ratelimit.adaptive.limiting import AdaptiveLimiter
from ratelimit.adaptive.publishing import Pin, Published
from ratelimit.adaptive.reading import parse_adaptive
from ratelimit.adaptive.rules import Bounds, Rule, Share

__all__ = ["Adaptive", "AdaptiveLimiter", "Bounds", "Pin", "Published", "Rule", "Share", "parse_adaptive"]
