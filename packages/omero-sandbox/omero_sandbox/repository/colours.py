"""Colours and names that an import gives to channels (ome.formats.model: ChannelProcessor, ColorsFactory)."""

from typing import Any

RGBA = tuple[int, int, int, int]

GREY: RGBA = (128, 128, 128, 255)
WHITE: RGBA = (255, 255, 255, 255)
_DEFAULTS: list[RGBA] = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]
_GRAPHICS_NAMES = ["Red", "Green", "Blue", "Alpha"]
_GREEN_FROM, _RED_FROM = 500, 560


def complete(channels: list[dict[str, Any]], logical: list[dict[str, Any]], *, graphics: bool) -> None:
    """Fill in colours and names, in place, of the channels of one image.

    Parameters
    ----------
    channels
        Values of Channel rows; a colour counts as given if ``red`` is present.
    logical
        Values of the LogicalChannel rows beside them.
    graphics
        Whether the file is a picture: channels then are red, green, blue and alpha.
    """
    if len(channels) == 1:
        if "red" not in channels[0]:
            _colour(channels[0], GREY)
        return
    unknown: list[dict[str, Any]] = []
    for index, (channel, details) in enumerate(zip(channels, logical, strict=True)):
        if graphics:
            _as_graphics(channel, details, index)
        elif not _as_microscopy(channel, details, index):
            unknown.append(channel)
    if 0 < len(unknown) < len(channels):
        for channel in unknown:
            _colour(channel, WHITE)


def _as_graphics(channel: dict[str, Any], details: dict[str, Any], index: int) -> None:
    _colour(channel, (0, 0, 0, 0) if index == 3 else _DEFAULTS[index % 3])
    if index < len(_GRAPHICS_NAMES):
        details.setdefault("name", _GRAPHICS_NAMES[index])


def _as_microscopy(channel: dict[str, Any], details: dict[str, Any], index: int) -> bool:
    """Colour one channel; return whether its colour or emission wavelength is known."""
    emission = details.get("emissionWave")
    wave = emission or details.get("excitationWave")
    given = "red" in channel
    if wave is not None:
        details.setdefault("name", str(wave.value))
    if not given:
        _colour(channel, _by_wavelength(wave) or _DEFAULTS[index % 3])
    return given or emission is not None


def _by_wavelength(wave: Any) -> RGBA | None:
    """Blue, green or red; the number counts whatever its unit (ColorsFactory.determineColor)."""
    if wave is None:
        return None
    if wave.value < _GREEN_FROM:
        return _DEFAULTS[2]
    return _DEFAULTS[1] if wave.value < _RED_FROM else _DEFAULTS[0]


def _colour(channel: dict[str, Any], colour: RGBA) -> None:
    channel.update(zip(("red", "green", "blue", "alpha"), colour, strict=True))
