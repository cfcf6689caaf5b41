"""Screening with exact rules, in this process: `core.screening` behind the port `Moderator`."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache

from server.core.automaton import Matcher, Patterns, Rule
from server.core.ports import Screen, ScreenContext, Verdict
from server.core.screening import blocklist_patterns, marker_patterns, secret_patterns

_MARKERS = 32
"""Markers whose patterns stay ready; a deployment has about one per live revision."""

_SLICE = 4_096
"""Characters of input that are read before other tasks get their turn."""


class RulesModerator:
    """Stops answers that give away the marker or a live secret, and either side's use of a blocked phrase.

    A secret in the input is the user's own: it is noted, and the turn goes on. Raises `ValueError` for a phrase in
    which nothing can be seen.
    """

    def __init__(self, *, blocklist: Sequence[str]) -> None:
        self._blocked = Patterns(blocklist_patterns(blocklist))
        self._secrets = Patterns(secret_patterns())
        self._both = Patterns(blocklist_patterns(blocklist), beside=self._secrets)
        self._output = lru_cache(maxsize=_MARKERS)(self._output_patterns)

    async def check_input(self, text: str, context: ScreenContext) -> Verdict:
        """Judge what a user sends, before anything is stored."""
        del context
        if rule := await _find(self._blocked, text):
            return _stop(rule)
        if rule := await _find(self._secrets, text):
            return Verdict(action="note", category=rule.category, rule=rule.name)
        return Verdict(action="allow")

    def screen_output(self, context: ScreenContext, *, shown: str = "") -> Screen:
        """Return a screen for one answer, which goes on after `shown`."""
        return _RulesScreen(Matcher(self._output(context.marker), shown=shown))

    def _output_patterns(self, marker: str) -> Patterns:
        return Patterns(marker_patterns(marker), beside=self._both)


class _RulesScreen:
    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def feed(self, text: str) -> tuple[str, Verdict | None]:
        released, rule = self._matcher.feed(text)
        return released, _stop(rule) if rule else None

    def close(self) -> tuple[str, Verdict | None]:
        released, rule = self._matcher.close()
        return released, _stop(rule) if rule else None


async def _find(patterns: Patterns, text: str) -> Rule | None:
    matcher = Matcher(patterns)
    for start in range(0, len(text), _SLICE):
        _, rule = matcher.feed(text[start : start + _SLICE])
        if rule:
            return rule
        await asyncio.sleep(0)
    return matcher.close()[1]


def _stop(rule: Rule) -> Verdict:
    return Verdict(action="stop", category=rule.category, rule=rule.name)
