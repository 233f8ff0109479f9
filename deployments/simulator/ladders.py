"""Which pictures of a video Douyin offers, per era: gear, quality, rate, size, codec, frames, format. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """One entry of `bit_rate`: bits per second, pixels of an upright picture, codec as in `is_h265`; form "": none."""

    gear: str
    quality: int
    rate: int
    width: int
    height: int
    codec: int = 0
    fps: int = 30
    form: str = "mp4"


def _ladder(form: str, *rungs: tuple[str, int, int, int, int, int]) -> tuple[Rung, ...]:
    return tuple(Rung(*rung, form=form) for rung in rungs)


LADDER_2023 = _ladder(
    "",
    ("normal_1080_0", 1, 1_712_904, 1080, 1920, 0),
    ("low_1080_0", 5, 1_340_117, 1080, 1920, 0),
    ("adapt_540_0", 28, 1_102_245, 576, 1024, 0),
    ("normal_720_0", 10, 1_061_398, 720, 1280, 0),
    ("adapt_720_0", 18, 1_003_871, 720, 1280, 0),
    ("normal_540_0", 20, 931_556, 576, 1024, 0),
    ("low_720_0", 11, 842_030, 720, 1280, 0),
    ("low_540_0", 292, 790_412, 576, 1024, 0),
    ("adapt_lower_540_0", 21, 655_093, 576, 1024, 0),
    ("lower_540_0", 24, 601_277, 576, 1024, 0),
    ("adapt_lowest_1080_1", 2, 522_816, 1080, 1920, 1),
    ("adapt_lowest_720_1", 15, 430_984, 720, 1280, 1),
    ("adapt_540_1", 28, 355_140, 576, 1024, 1),
    ("adapt_lower_540_1", 21, 312_665, 576, 1024, 1),
)
LADDER_2024 = _ladder(
    "mp4",
    ("normal_1080_0", 1, 2_204_731, 1080, 1920, 0),
    ("low_1080_0", 5, 1_733_560, 1080, 1920, 0),
    ("normal_720_0", 10, 1_420_188, 720, 1280, 0),
    ("low_720_0", 11, 1_121_943, 720, 1280, 0),
    ("adapt_lowest_1440_1", 7, 1_050_326, 1440, 2560, 1),
    ("low_540_0", 292, 903_771, 576, 1024, 0),
    ("adapt_lowest_1080_1", 2, 840_602, 1080, 1920, 1),
    ("lower_540_0", 24, 702_119, 576, 1024, 0),
    ("adapt_lowest_720_1", 15, 611_847, 720, 1280, 1),
    ("adapt_low_540_0", 291, 560_233, 576, 1024, 0),
    ("adapt_540_1", 28, 471_920, 576, 1024, 1),
    ("adapt_lower_540_1", 21, 398_004, 576, 1024, 1),
)
# The same gear stands there twice, once as mp4 and once as dash; one entry is in a codec that nobody can decode.
LADDER_2026 = (
    Rung("1440_1_1", 72, 3_104_882, 1440, 2560, 1, 60, "dash"),
    Rung("normal_1080_0", 1, 2_511_736, 1080, 1920, 0, 30, "mp4"),
    Rung("normal_1080_0", 1, 2_377_410, 1080, 1920, 0, 30, "dash"),
    Rung("1080_2_1", 3, 1_960_024, 1080, 1920, 1, 60, "dash"),
    Rung("normal_720_0", 10, 1_512_330, 720, 1280, 0, 30, "mp4"),
    Rung("adapt_lowest_1080_1", 2, 1_240_095, 1080, 1920, 1, 30, "mp4"),
    Rung("1080_3_2", 224, 1_120_771, 1080, 1920, 2, 30, "mp4"),
    Rung("720_1_1", 211, 980_342, 720, 1280, 1, 30, "dash"),
    Rung("low_720_0", 11, 902_118, 720, 1280, 0, 30, "mp4"),
    Rung("low_540_0", 292, 740_660, 576, 1024, 0, 30, "mp4"),
    Rung("adapt_lowest_720_1", 15, 633_951, 720, 1280, 1, 30, "mp4"),
    Rung("540_3_1", 25, 411_827, 576, 1024, 1, 30, "dash"),
)
# Largest picture first, rates in no order: only the size of the picture tells the best.
LADDER_ODD = (Rung("adapt_lowest_4_1", 72, 1_702_664, 2160, 3840, 1, 51, "mp4"), *LADDER_2026[4:], *LADDER_2026[1:4])
LADDERS = {"2023": LADDER_2023, "2024": LADDER_2024, "2026": LADDER_2026, "odd": LADDER_ODD}


def played(ladder: tuple[Rung, ...]) -> int:
    """Which rung `play_addr` repeats: the first that every browser plays."""
    return next(at for at, rung in enumerate(ladder) if rung.codec == 0 and rung.form != "dash")
