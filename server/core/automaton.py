"""Find patterns in a text that arrives in pieces, and hold back only what may still become a match.

Aho-Corasick over code points, widened in two ways: a step of a pattern is a set of characters, and a pattern looks at
the text through a view that may fold or drop characters. All patterns run as one automaton over the original text. A
state knows how many original characters its longest unfinished match covers, and that is what is held back. States are
made when a text first reaches them, so that a view costs nothing on the way that most texts take.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from typing import Final, NamedTuple

from server.core.folding import Kind, kind_of

GAP: Final = 8
"""How many characters that a view drops may follow each other inside a match; it bounds what is held back."""

_ROOM: Final = 20_000
"""Transitions that are remembered before all are forgotten; it bounds memory whatever is fed."""

View = Callable[[str], str]
"""What is seen of one character: nothing, the character, or what stands for it. A run of blanks is seen as one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which pattern was found, and what it stands for."""

    category: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A sequence of characters, as `view` shows them; each step names all the characters that fit it.

    A plain string is its own sequence of steps.
    """

    rule: Rule
    steps: Sequence[str]
    view: View
    opens_word: bool = False
    """The character before it belongs to no word."""
    closes_word: bool = False
    """The character after it belongs to no word."""
    needs: str = ""
    """At least one step that several characters fit is met by one of these."""

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("a pattern needs at least one step")


@dataclass(slots=True, eq=False, repr=False)
class _Node:
    """A pattern, or the common beginning of several, up to one of its steps. Has no long repr: many paths lead on."""

    edges: dict[str, list["_Node"]] = field(default_factory=dict)
    children: dict[str, "_Node"] = field(default_factory=dict)
    found: Rule | None = None
    found_at_word_end: Rule | None = None

    def grow(self, chars: str) -> "_Node":
        """Return the node that `chars` lead to, which patterns that begin alike share."""
        if chars not in self.children:
            self.children[chars] = _Node()
            self.join(chars, self.children[chars])
        return self.children[chars]

    def join(self, chars: str, child: "_Node") -> None:
        """Let `chars` lead to `child`."""
        for char in chars:
            self.edges.setdefault(char, []).append(child)


class _Thread(NamedTuple):
    """An unfinished match and how many original characters it covers."""

    node: _Node
    depth: int


class _Found(NamedTuple):
    depth: int
    rule: Rule


Seen = tuple[tuple[str, Kind], ...]
"""What a view shows of one character; characters that are in no pattern are all alike, but for their kind."""


class _Reading(NamedTuple):
    """How far one view has come; `threads` stand with the longest first."""

    threads: tuple[_Thread, ...] = ()
    kind: Kind = "other"
    dropped: int = 0

    def at_word_end(self) -> _Found | None:
        """Return the longest match that is whole if the word ends here."""
        ends = (_Found(depth, node.found_at_word_end) for node, depth in self.threads if node.found_at_word_end)
        return next(ends, None)


class _Trie:
    """All patterns of one view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._anywhere = _Node()
        self._at_word_start = _Node()
        self._alphabet: set[str] = set()

    def add(self, pattern: Pattern) -> None:
        """Grow the nodes of `pattern`; of equal patterns the first one counts."""
        root = self._at_word_start if pattern.opens_word else self._anywhere
        end = (
            _grow_needing(root, pattern.steps, pattern.needs)
            if pattern.needs
            else reduce(_Node.grow, pattern.steps, root)
        )
        self._alphabet.update(*pattern.steps)
        if pattern.closes_word:
            end.found_at_word_end = end.found_at_word_end or pattern.rule
        else:
            end.found = end.found or pattern.rule

    def see(self, char: str) -> Seen:
        """Return what the view shows of `char`."""
        return tuple((seen if seen in self._alphabet else "", kind_of(seen)) for seen in self._view(char))

    def read(self, reading: _Reading, shown: Seen) -> tuple[_Reading, _Found | None]:
        """Return the reading after what is `shown` of the next character, and the longest match that it completes."""
        threads = tuple(_Thread(node, depth + 1) for node, depth in reading.threads)
        now = reading._replace(threads=threads, dropped=reading.dropped + 1)
        for seen, kind in shown:
            if kind == now.kind == "space":
                continue
            found = now.at_word_end() if kind != "word" else None
            now = _Reading(self._step(now, seen), kind)
            found = found or next((_Found(depth, node.found) for node, depth in now.threads if node.found), None)
            if found:
                return now, found
        if not now.threads or now.dropped > GAP:
            return _Reading((), now.kind), now.at_word_end()
        return now, None

    def _step(self, reading: _Reading, seen: str) -> tuple[_Thread, ...]:
        roots = [_Thread(self._anywhere, 1)]
        if reading.kind != "word":
            roots.append(_Thread(self._at_word_start, 1))
        return tuple(
            _Thread(child, depth) for node, depth in chain(reading.threads, roots) for child in node.edges.get(seen, ())
        )


class _State:
    """Where all views are.

    Which state follows is remembered by character, and by what all views show of it, which many characters share.
    """

    __slots__ = ("after", "after_seen", "depth", "found", "readings")

    def __init__(self, readings: tuple[_Reading, ...], found: _Found | None) -> None:
        self.readings = readings
        self.found = found
        self.after: dict[str, _State] = {}
        self.after_seen: dict[tuple[Seen, ...], _State] = {}
        depths = [reading.threads[0].depth for reading in readings if reading.threads]
        self.depth = max([*depths, found.depth if found else 0], default=0)


class Patterns:
    """Patterns made ready, to be shared by all texts of one thread.

    What they find never changes; the states that texts have reached are remembered, up to a bound. Patterns that are
    made `beside` others find those too and share their memory.
    """

    def __init__(self, patterns: Iterable[Pattern], *, beside: "Patterns | None" = None) -> None:
        tries: dict[View, _Trie] = {}
        for pattern in patterns:
            tries.setdefault(pattern.view, _Trie(pattern.view)).add(pattern)
        self.tries: Final[tuple[_Trie, ...]] = (*(beside.tries if beside else ()), *tries.values())
        self._states: dict[tuple[_Reading, ...], _State] = {}
        self._remembered = 0
        self.start: Final = _State(tuple(_Reading() for _ in self.tries), None)

    def follow(self, state: _State, char: str) -> _State:
        """Return the state after `char`, and remember it in `state`."""
        if self._remembered >= _ROOM:
            self._forget()
        seen = tuple(trie.see(char) for trie in self.tries)
        after = state.after_seen.get(seen)
        if after is None:
            after = state.after_seen[seen] = self._make(state, seen)
        state.after[char] = after
        self._remembered += 1
        return after

    def _forget(self) -> None:
        # A text may stay in its state for ever, so that each has to forget what follows it.
        for state in (self.start, *self._states.values()):
            state.after.clear()
            state.after_seen.clear()
        self._states.clear()
        self._remembered = 0

    def _make(self, state: _State, seen: tuple[Seen, ...]) -> _State:
        steps = zip(self.tries, state.readings, seen, strict=True)
        read = [trie.read(reading, shown) for trie, reading, shown in steps]
        readings = tuple(reading for reading, _ in read)
        found = _first(found for _, found in read)
        if found:
            return _State(readings, found)
        if readings not in self._states:
            self._states[readings] = _State(readings, None)
        return self._states[readings]


class Matcher:
    """Looks for patterns in one text. `shown` is a beginning of the text that can no longer be held back."""

    def __init__(self, patterns: Patterns, *, shown: str = "") -> None:
        self._patterns = patterns
        self._state = patterns.start
        self._held = ""
        self._found: Rule | None = None
        self.feed(shown)
        self._held = ""

    def feed(self, text: str) -> tuple[str, Rule | None]:
        """Return what of the text so far can be part of no match and was not returned before, and what was found.

        What is returned depends on the text alone, not on how it is cut. Once something is found, nothing more is
        returned.
        """
        if self._found:
            return "", self._found
        state, follow = self._state, self._patterns.follow
        read = 0
        for read, char in enumerate(text, 1):  # noqa: B007  the count is used after the loop
            state = state.after.get(char) or follow(state, char)
            if state.found:
                self._found = state.found.rule
                break
        self._state = state
        return self._release(text[:read], state.depth), self._found

    def close(self) -> tuple[str, Rule | None]:
        """Return what was held back, or what is found because the text ends here."""
        if self._found:
            return "", self._found
        found = _first([reading.at_word_end() for reading in self._state.readings])
        self._found = found.rule if found else None
        return self._release("", found.depth if found else 0), self._found

    def _release(self, text: str, keep: int) -> str:
        held = self._held + text
        # Less is held than the state covers where a part of an unfinished match was shown before.
        cut = max(0, len(held) - keep)
        self._held = held[cut:]
        return held[:cut]


def _grow_needing(root: _Node, steps: Sequence[str], needs: str) -> _Node:
    """Return the node at the end of `steps` that is reached only with one of `needs` on the way.

    Beside the nodes that still lack it runs a second row of nodes that have it.
    """
    lacks: _Node = root
    has: _Node | None = None
    for step in steps:
        telling = "".join(char for char in step if char in needs) if len(step) > 1 else ""
        after = _Node() if has or telling else None
        if after:
            lacks.join(telling, after)
            if has:
                has.join(step, after)
        lacks = lacks.grow("".join(char for char in step if char not in telling))
        has = after
    if has is None:
        raise ValueError("no step of the pattern can meet what it needs")
    return has


def _first(found: Iterable[_Found | None]) -> _Found | None:
    """Return the match that begins first, of equal ones the first."""
    return max((each for each in found if each), key=lambda each: each.depth, default=None)
