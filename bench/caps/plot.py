"""A plot of a run over time, as SVG written by hand: three panels on one axis of minutes."""

from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, GAP = 900, 130, 70, 42
STYLE = (
    "text{font-size:12px;fill:#57606a}.title{font-size:13px;fill:#24292f}.tick,.name{text-anchor:end}"
    ".name{stroke:#fff;stroke-width:4;paint-order:stroke;font-weight:600}.mark{text-anchor:middle}.frame{fill:#fff;stroke:#d0d7de}polyline{fill:none;stroke-width:1.3}"
    "line{stroke:#8c959f;stroke-dasharray:4 3}"
)
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700")


class Panel:
    """One panel: lines over the same seconds, each with its name."""

    def __init__(self, title: str, lines: dict[str, Sequence[float]], *, most: float) -> None:
        self.title, self.lines, self.most = title, lines, most

    def svg(self, top: float) -> list[str]:
        """Return the elements of the panel, whose upper edge is at `top`."""
        found = [
            f'<text x="{LEFT}" y="{top - 8}" class="title">{self.title}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>',
            f'<text x="{LEFT - 6}" y="{top + 10}" class="tick">{self.most:g}</text>',
            f'<text x="{LEFT - 6}" y="{top + HEIGHT}" class="tick">0</text>',
        ]
        for number, (name, values) in enumerate(self.lines.items()):
            colour = COLOURS[number]
            points = " ".join(self._point(values, index, top) for index in range(len(values)))
            found.append(f'<polyline points="{points}" stroke="{colour}"/>')
            at = LEFT + WIDTH - 10
            found.append(
                f'<text x="{at}" y="{top + 16 + 15 * number}" class="name" style="fill:{colour}">{name}</text>'
            )
        return found

    def _point(self, values: Sequence[float], index: int, top: float) -> str:
        across = LEFT + WIDTH * index / max(1, len(values) - 1)
        return f"{across:.1f},{top + HEIGHT * (1 - min(values[index], self.most) / self.most):.1f}"


def drawn(panels: Sequence[Panel], minutes: int, marks: Sequence[tuple[float, str]]) -> str:
    """Return the picture; `marks` are minutes at which something happens, with what it is."""
    bottom = 30 + len(panels) * (HEIGHT + GAP)
    box = f"0 0 {LEFT + WIDTH + 20} {bottom + 20}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif">',
        f"<style>{STYLE}</style>",
        f'<rect width="{LEFT + WIDTH + 20}" height="{bottom + 20}" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += panel.svg(30 + number * (HEIGHT + GAP))
    for minute, what in marks:
        x = LEFT + WIDTH * minute / minutes
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{bottom - GAP}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom - GAP + 16}" class="mark">{what}</text>')
    parts += [f'<text x="{LEFT + WIDTH}" y="{bottom}" class="tick">{minutes} minutes</text>', "</svg>", ""]
    return "\n".join(parts)
