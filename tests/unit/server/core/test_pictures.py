"""What images count."""

import pytest

from server.core.pictures import UNKNOWN, ImageTokens, Patches, Tiles


@pytest.mark.parametrize(
    ("rule", "size", "detail", "tokens"),
    [
        (Tiles(85, 170), (1024, 1024), "high", 765),
        (Tiles(85, 170), (2048, 4096), "high", 1105),
        (Tiles(85, 170), (4096, 8192), "low", 85),
        (Tiles(85, 170), (1, 1), "auto", 255),
        (Patches(1536), (1024, 1024), "auto", 1024),
        (Patches(1536), (1800, 2400), "auto", 1452),
        (Patches(1536, 1.62), (1024, 1024), "auto", 1659),
        (UNKNOWN, (2048, 2048), "auto", 2500),
        (UNKNOWN, (2048, 1), "auto", 64),
        (Patches(1), (2048, 1), "auto", 1),
    ],
)
def test_images_count_as_providers_document(rule: ImageTokens, size: tuple[int, int], detail: str, tokens: int) -> None:
    """The worked examples of the documentation come out, and the smallest images count something."""
    assert rule.count(*size, detail) == tokens
