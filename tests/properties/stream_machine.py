"""A machine that does to a stream whatever can be done to it, and holds what clients read against a plain list."""

import json

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from client.answer import Answer
from client.errors import AnswerFailedError, ConnectionLostError, ParleyError, RefusedError
from client.events import Completed, Position
from server.core.records import TurnStatus
from tests.properties.stream_house import House, Node, Wire
from tests.properties.stream_reader import Reader

CREATE = {"type": "response.create", "input": "hi", "client_request_id": "r1"}
PIECES = st.text("ab\n😀", min_size=1, max_size=3)
CUTS = st.sampled_from([1001, 1006, 1011, 1012, 1013])
ENDS = st.sampled_from([TurnStatus.COMPLETED, TurnStatus.INCOMPLETE, TurnStatus.CANCELLED])
PLACE = st.integers(0, 5)
RARE = st.integers(0, 9)
HINTS = st.sampled_from(["heard", "heard, read", "lost", "late", "read"])


class StreamMachine(RuleBasedStateMachine):
    """Appends, commits, cuts, resumes, ends, compacts, forgets and adopts in any order."""

    @initialize(pieces=st.none() | st.lists(PIECES, max_size=3), beside=st.booleans())
    def start(self, pieces: list[str] | None, beside: bool) -> None:  # noqa: FBT001
        """Begin with a client that asks, and perhaps another one at the other node; they may have been answered."""
        self.house = House()
        self.now = 0.0
        self.readers = [self.reader(Answer(CREATE), 0, home) for home in ((0, 1) if beside else (0,))]
        for which, _ in enumerate(self.readers if pieces is not None else ()):
            self.flow(which, frames=6, reads=True)
            self.answer(0, pieces or [], hint="heard", joined=False)

    def reader(self, answer: Answer, start: int, home: int) -> Reader:
        """Return a client that wants the answer."""
        reader = Reader(answer, start, home)
        reader.do(reader.session.ask(answer, self.now))
        return reader

    def node(self, which: int) -> Node:
        """Return one of the nodes."""
        return self.house.nodes[which % len(self.house.nodes)]

    def owner(self, which: int) -> Node:
        """Return one of the nodes that believe to own the turn, if there is any."""
        owners = [node for node in self.house.nodes if node.owner is not None] or self.house.nodes
        return owners[which % len(owners)]

    def mirror(self, which: int) -> Node:
        """Return one of the nodes that mirror the turn, if there is any."""
        mirrors = [node for node in self.house.nodes if node.mirror is not None] or self.house.nodes
        return mirrors[which % len(mirrors)]

    def hint(self, node: Node, hint: str) -> None:
        """Do with the node's oldest hint what `HINTS` says."""
        if "heard" in hint:
            self.house.hear(node)
        if "read" in hint:
            self.house.look(node)
        if hint == "lost":
            node.hints.clear()

    def one(self, which: int) -> Reader:
        """Return one of the clients."""
        return self.readers[which % len(self.readers)]

    @rule(which=PLACE, pieces=st.lists(PIECES, max_size=4), joined=st.booleans(), hint=HINTS)
    def answer(self, which: int, pieces: list[str], joined: bool, hint: str) -> None:  # noqa: FBT001
        """An upstream says something, which is committed; also to a process that was fenced off and does not know."""
        node = self.owner(which)
        for piece in pieces:
            self.house.say(node, piece)
        self.house.commit(node, joined=joined)
        for other in self.house.nodes:
            if other is not node:
                self.hint(other, hint)

    @rule(which=PLACE, pieces=st.lists(PIECES, min_size=1, max_size=2))
    def say(self, which: int, pieces: list[str]) -> None:
        """An upstream says something that waits for the disk."""
        for piece in pieces:
            self.house.say(self.owner(which), piece)

    @rule(which=PLACE, chance=RARE, status=ENDS, let_go=st.booleans())
    def end(self, which: int, chance: int, status: TurnStatus, let_go: bool) -> None:  # noqa: FBT001
        """The turn ends: its segments are gone, and soon it is served from its trail and its message."""
        if chance == 0:
            self.house.end(self.node(which), status)
        if let_go:
            self.house.let_go(self.node(which))

    @rule(which=PLACE, chance=RARE)
    def stay_away(self, which: int, chance: int) -> None:
        """A client is away until long after the end: only the message is left, or not even that."""
        if chance > 1:
            return
        self.cut(self.one(which), 1006)
        for node in self.house.nodes:
            self.house.end(node, TurnStatus.COMPLETED)
            self.house.let_go(node)
        if self.house.disk.stored is not None:
            self.house.disk.coarse = True
            self.house.disk.forgotten = chance == 0 or self.house.disk.forgotten

    @rule(which=PLACE, chance=RARE, commits=st.booleans())
    def kill(self, which: int, chance: int, commits: bool) -> None:  # noqa: FBT001
        """A process dies, now or between its commit and showing it; its sockets die with it."""
        node = self.node(which)
        if chance:
            return
        if commits:
            self.house.commit(node, joined=True, seen=False)
        self.house.die(node)
        for reader in self.readers:
            if reader.wire is not None and reader.wire.node is node:
                self.cut(reader, 1006)

    @rule(which=PLACE, adopts=st.booleans())
    def beat(self, which: int, adopts: bool) -> None:  # noqa: FBT001
        """A process renews its lease, and may hear that it is no owner any more.

        Or it takes the turn over, from an owner that died or that was only paused.
        """
        if adopts:
            self.house.adopt(self.node(which))
        else:
            self.house.renew(self.node(which))

    @rule(which=PLACE, hint=HINTS)
    def tell(self, which: int, hint: str) -> None:
        """A mirror hears of what was committed elsewhere, or the hint gets lost; or the mirror reads the store."""
        self.hint(self.mirror(which), hint)

    @rule(which=PLACE, frames=st.integers(0, 12), reads=st.booleans())
    def flow(self, which: int, frames: int, reads: bool) -> None:  # noqa: FBT001
        """A client and its node do what they do all the time; some frames are still on their way."""
        self.connect(which)
        self.serve(which)
        self.pull(which)
        self.deliver(which, frames)
        if reads:
            self.one(which).read_all()

    @rule(which=PLACE, what=st.sampled_from(["connect", "serve", "pull", "deliver", "read"]))
    def step(self, which: int, what: str) -> None:
        """One of these happens, and the others may be late."""
        match what:
            case "connect":
                self.connect(which)
            case "serve":
                self.serve(which)
            case "pull":
                self.pull(which)
            case "deliver":
                self.deliver(which, 1)
            case _:
                self.one(which).read()

    @rule(which=PLACE, code=CUTS, chance=st.floats(0, 1), refused=st.booleans())
    def drop(self, which: int, code: int, chance: float, refused: bool) -> None:  # noqa: FBT001
        """A connection goes, with what was on its way in both directions; or none comes about."""
        reader = self.one(which)
        self.cut(reader, code)
        if refused and reader.wanted is not None:
            reader.wanted = None
            reader.do(reader.session.failed(ParleyError("nobody there"), self.now, chance))

    def cut(self, reader: Reader, code: int) -> None:
        """End the client's connection, if it has one."""
        self.now += 1.0
        if reader.wire is not None:
            reader.wire = None
            lost = ConnectionLostError(code=1000 if reader.left else code, reason="")
            reader.do(reader.session.closed(lost, self.now, 0.5))

    def connect(self, which: int) -> None:
        """A connection comes about, if the client wants one."""
        reader = self.one(which)
        self.now += 1.0
        if reader.wanted is not None and reader.wire is None:
            wire = Wire(self.node(reader.home + reader.wanted.address))
            reader.wanted, reader.wire, reader.left = None, wire, False
            reader.do(reader.session.opened(self.now))

    def serve(self, which: int) -> None:
        """The node reads a frame of the client."""
        if (wire := self.one(which).wire) is not None:
            self.house.serve(wire)

    def pull(self, which: int) -> None:
        """The socket can take more: all that is new of an answer, joined."""
        if (wire := self.one(which).wire) is not None:
            for lane in list(wire.cursors):
                self.house.pull(wire, lane)

    def deliver(self, which: int, frames: int) -> None:
        """Some frames arrive at the client."""
        reader = self.one(which)
        for _ in range(frames):
            if reader.wire is None or not reader.wire.down:
                return
            reader.do(reader.session.received(json.loads(reader.wire.down.popleft()), self.now))
            if reader.left:
                self.cut(reader, 1000)

    @precondition(lambda self: len(self.readers) < 3)
    @rule(which=PLACE, home=PLACE, how=st.sampled_from(["same", "whole", "position"]))
    def join(self, which: int, home: int, how: str) -> None:
        """Another client wants the answer: it sends the same request, or comes with the place of one that was here."""
        other = self.one(which)
        other.read_all()
        position = other.answer.position
        if how == "same" or position is None:
            self.readers.append(self.reader(Answer(CREATE), 0, home))
        elif how == "whole":
            self.readers.append(self.reader(Answer(position=Position(position.response_id, -1)), 0, home))
        else:
            start = other.start + len(other.text)
            self.readers.append(self.reader(Answer(position=position), start, home))

    @invariant()
    def what_was_read_is_what_was_committed(self) -> None:
        """Never a gap, never a repeat, and nothing that is not durable."""
        for reader in getattr(self, "readers", ()):
            expected = self.house.disk.text[reader.start :]
            assert expected.startswith(reader.text), (expected, reader.text)
            assert reader.created <= 1

    def teardown(self) -> None:
        """Let everything heal: every client ends with the whole text, or with an error that is documented."""
        if not hasattr(self, "readers"):
            return
        for _ in range(200):
            if all(reader.ended for reader in self.readers):
                break
            self.heal()
            self.what_was_read_is_what_was_committed()
        for reader in self.readers:
            self.check_end(reader)

    def heal(self) -> None:
        """Do once whatever brings things to their end."""
        for index in range(len(self.readers)):
            self.flow(index, frames=6, reads=True)
        disk = self.house.disk
        if disk.owner and disk.stored is None:
            if not any(node.owner and node.owner.number == disk.owner for node in self.house.nodes):
                self.house.adopt(self.house.nodes[0])
            for node in self.house.nodes:
                self.house.end(node, TurnStatus.COMPLETED)
        for node in self.house.nodes:
            self.house.commit(node, joined=True)
            self.house.renew(node)
            self.house.look(node)

    def check_end(self, reader: Reader) -> None:
        """The end is the model's text, or an error that says why it cannot be had."""
        disk = self.house.disk
        match reader.ended:
            case Completed():
                assert reader.text == disk.text[reader.start :]
            case AnswerFailedError(code="response_not_found") | RefusedError(code="response_not_found"):
                assert disk.forgotten
            case AnswerFailedError(code="stream_position_lost"):
                assert disk.coarse
                assert reader.answer._text is None, "only who does not know the text before the position"
            case other:
                raise AssertionError(f"ended with {other!r}")


def check(*, examples: int, derandomize: bool = True, shrink: bool = True) -> None:
    """Run the machine."""
    run_state_machine_as_test(
        StreamMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=80,
            deadline=None,
            derandomize=derandomize,
            database=None,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
