"""Colours and measures that every part of a drawing shares. Lengths are millimetres."""

from __future__ import annotations

INCH = 25.4  # millimetres in an inch
INK, SOFT, LINE, WHITE = "#1d1b18", "#5c564d", "#e6dfd3", "#ffffff"
PINE, PINE_SOFT, AMBER = "#0f5b46", "#e3f0ea", "#8a5a00"
BOLDER = 1 / 45  # the font has one weight: a stroke this wide (of the size) on either side reads as bold
