"""Takes an exact echo of a prefilled prefix off the start of an answer.

Some upstreams continue a trailing assistant message, others repeat it first. Pure: text in, text out.
"""


class PrefixEcho:
    """Strips one echo of `prefix`, however the answer is cut; text that merely begins alike passes as it is."""

    def __init__(self, prefix: str) -> None:
        self._left = prefix
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what may be shown; holds back what may still become the echo."""
        if not self._left:
            return text
        if self._left.startswith(text):
            self._left = self._left[len(text) :]
            self._held = self._held + text if self._left else ""
            return ""
        if text.startswith(self._left):
            text, self._left, self._held = text[len(self._left) :], "", ""
            return text
        return self.close() + text

    def close(self) -> str:
        """Return what was held back, as the answer has ended or goes on otherwise."""
        held, self._held, self._left = self._held, "", ""
        return held
