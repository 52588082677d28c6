"""What the demo prints: titles, and facts in two columns."""

import os
import sys

_WIDTH = 12
_BAR = 24


class Screen:
    def __init__(self):
        self.is_live = sys.stdout.isatty() and "CI" not in os.environ
        self._quarter = None
        self._coloured = self.is_live and "NO_COLOR" not in os.environ

    def title(self, text):
        print(f"\n{self._paint('1', text)}", flush=True)

    def fact(self, name, text):
        label = self._paint("36", f"{name:<{_WIDTH}}")
        print(f"  {label} {text}", flush=True)

    def lines(self, text):
        """Show a text as it is, set in."""
        for line in text.strip().splitlines():
            print(f"  {'':<{_WIDTH}} {self._paint('2', '│')} {line}".rstrip())

    def bar(self, name, done, total):
        """Show how far something is: over and over in a terminal, else by quarters."""
        share = done / total if total else 1
        if not self.is_live and int(share * 4) == self._quarter:
            return
        self._quarter = int(share * 4)
        full = round(_BAR * share)
        drawn = "█" * full + "░" * (_BAR - full)
        begin, end = ("\r\x1b[K", "") if self.is_live else ("", "\n")
        label = self._paint("36", f"{name:<{_WIDTH}}")
        print(
            f"{begin}  {label} {drawn} {done:.0f} of {total:.0f}", end=end, flush=True
        )

    def end_bar(self):
        self._quarter = None
        if self.is_live:
            print(flush=True)

    def _paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text


def milliseconds(start, end):
    """Name the time between two moments, datetimes or seconds."""
    length = end - start
    seconds = length if isinstance(length, float) else length.total_seconds()
    return f"{seconds * 1000:,.0f} ms"
