"""Tell several observers."""

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
