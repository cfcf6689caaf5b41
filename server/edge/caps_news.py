"""Tell whoever has a socket open how full their caps are, as soon as others hold."""

from typing import Final

from server.core.happenings import Happening
from server.core.ports import Happened
from server.edge.sockets import Sockets

CHANGES: Final = frozenset({Happening.POLICY_LIVE, Happening.CAP_PUBLISHED})


class CapsNews:
    """An observer that passes on a change of caps on this node to its sockets."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets

    def saw(self, happened: Happened) -> None:
        """Let the sockets tell."""
        if happened.name in CHANGES:
            self._sockets.tell_usage()
