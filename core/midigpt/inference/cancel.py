"""An event that compiled loops see at once."""

from __future__ import annotations

from threading import Event

from midigpt import _native


class CancelEvent(Event):
    """A ``threading.Event`` for ``cancel_event``; ends a running step within one token.

    Any other event works too, but then the loop comes back to Python after every token to ask it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flag = _native.CancelFlag()

    def set(self) -> None:
        """Cancel; from any thread."""
        self.flag.set()
        super().set()

    def clear(self) -> None:
        """Make it usable again."""
        self.flag.clear()
        super().clear()
