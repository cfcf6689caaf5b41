"""Tell several observers, and tell them of refusals."""

from server.core.errors import Refused
from server.core.happenings import Happening
from server.core.ports import Happened, Observer


class Observers:
    """An observer that passes on to others what it hears; more may join while it runs."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = list(observers)

    def join(self, observer: Observer) -> None:
        """Let `observer` hear from now on."""
        self._observers.append(observer)

    def saw(self, happened: Happened) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.saw(happened)


def refused(why: Refused) -> Happened:
    """Return what observers are told of a call that is not served: its code, and nothing of who made it."""
    return Happened(name=Happening.REFUSED, labels={"code": why.code})
