"""What stands where on each kind of card."""

from __future__ import annotations

from collections.abc import Callable

from webapp.cards.drawing.canvas import Canvas
from webapp.cards.drawing.face import CardFace, Kind, Side
from webapp.cards.drawing.ink import LINE, PINE, PINE_SOFT, SOFT, WHITE
from webapp.cards.drawing.letters import clean
from webapp.cards.drawing.pens import Area, Pen
from webapp.cards.number import spoken
from webapp.kit.words import _


def draw(pen: Pen, face: CardFace, side: Side) -> None:
    drawing = _DRAWINGS.get((face.kind, side))
    if drawing is None:
        raise ValueError(f"a {face.kind} has no {side}")
    drawing(Canvas(pen, face))


def _resident_front(card: Canvas) -> None:
    face = card.face
    card.head(_("身份卡"))
    card.tile(Area(4, 13, 14, 17))
    card.write(Area(21, 12.6, 60.6, 8.8), face.name, (7.4, 2.4), bold=True, breaks_at="·")
    card.number(Area(21, 23.4, 32, 4.4))
    card.stamp(Area(0, 10, 54, 44))
    card.write(Area(4, 32.6, 49, 3.4), _duty(face), (3.1, 1.8), SOFT)
    card.write(Area(4, 36.2, 49, 6.6), face.duty_phone, (6, 2.6), bold=True)
    card.write(Area(4, 43.7, 49, 3.2), _("老人走失，请扫码或打电话"), (2.9, 1.8), SOFT)
    card.write(Area(4, 47.6, 49, 3.2), _head_of_station(face), (2.9, 1.8), SOFT)
    card.code(54.1, 22.5, 30)


def _resident_back(card: Canvas) -> None:
    face = card.face
    card.band(PINE_SOFT)
    card.write(Area(4, 2.2, 77.6, 5.6), _("这位老人可能需要帮助"), (4.6, 2.4), PINE, bold=True)
    card.write(Area(4, 12, 77.6, 4.2), _what_to_do(face), (3.4, 2), bold=True)
    card.stamp(Area(0, 10, 85.6, 36))
    rows = _for_a_rescuer(face)
    if rows:
        card.rows(Area(4, 19, 77.6, 26), rows)
    else:
        card.write(Area(4, 22, 77.6, 4.6), _duty(face), (3.8, 2), SOFT)
        card.write(Area(4, 28, 77.6, 12), face.duty_phone, (9.5, 3), bold=True)
    card.pen.box(Area(4, 46.2, 77.6, 0.15), LINE)
    card.write(Area(4, 47.6, 36, 3.4), _("急救 120 · 报警 110"), (3, 2), bold=True)
    card.write(Area(41, 47.6, 40.6, 3.4), face.footer, (2.6, 1.4), SOFT, align="right")


def _badge_front(card: Canvas) -> None:
    face = card.face
    card.head(_("工作证"))
    card.tile(Area(4, 13, 18, 22))
    card.write(Area(25, 12.6, 56.6, 9), face.name, (7.4, 2.4), bold=True, breaks_at="·")
    card.write(Area(25, 23.2, 28, 4.4), face.role or _("养护员"), (3.8, 1.8), PINE, bold=True)
    card.number(Area(25, 30, 28, 4.4))
    card.stamp(Area(0, 10, 54, 44))
    card.write(Area(4, 37.4, 49, 3), _("扫一扫，核对身份"), (2.8, 1.8), SOFT)
    card.write(Area(4, 41.2, 49, 3), face.duty_name, (2.8, 1.8), SOFT)
    card.write(Area(4, 45, 49, 5.6), face.duty_phone, (4.8, 2.4), bold=True)
    card.code(54.1, 22.5, 30)


def _badge_back(card: Canvas) -> None:
    face = card.face
    card.band(PINE_SOFT)
    card.write(Area(4, 2.2, 77.6, 5.6), face.organisation, (4.2, 2), PINE, bold=True)
    card.stamp(Area(0, 10, 85.6, 36))
    card.write(Area(4, 13, 77.6, 26), face.other_words, (3.6, 2))
    card.pen.box(Area(4, 46.2, 77.6, 0.15), LINE)
    card.write(Area(4, 47.6, 42, 3.4), _lost_badge(face), (3, 1.8), bold=True)
    card.write(Area(47, 47.6, 34.6, 3.4), face.footer, (2.6, 1.4), SOFT, align="right")


def _plate(card: Canvas) -> None:
    """Hangs inside the home, seen by everyone who comes in: number and code, no word about who lives here."""
    card.pen.box(Area(2, 2, 81.6, 50), PINE, radius=4)
    card.pen.box(Area(2.7, 2.7, 80.2, 48.6), WHITE, radius=3.3)
    first, second = spoken(card.face.number).split(" ")
    card.write(Area(51.5, 13.5, 29, 14), first, (12, 6), bold=True)
    card.write(Area(51.5, 27, 29, 14), second, (12, 6), bold=True)
    card.stamp(Area(51.5, 41.5, 25, 9))
    card.code(4, 4, 46)


def _sewin(card: Canvas) -> None:
    face = card.face
    card.stamp(Area(20, 0, 40, 20))
    card.write(Area(20.5, 1.6, 37.5, 4.6), face.name, (4.2, 1.8), bold=True, breaks_at="·")
    card.write(Area(20.5, 6.9, 37.5, 2.6), _("老人走失，请扫码或打电话"), (2.4, 1.4), SOFT)
    card.write(Area(20.5, 9.9, 37.5, 4.2), face.duty_phone, (3.8, 1.8), bold=True)
    card.number(Area(20.5, 15, 37.5, 3.2))
    card.code(0.4, 0.4, 19.2)


def _shoe(card: Canvas) -> None:
    """Seen by anybody in a corridor: a way to help, no name."""
    words = _("老人走失，请扫码或打电话")
    card.stamp(Area(20, 0, 25, 20))
    card.write(Area(20.3, 1.8, 23.5, 6), words, (2.5, 1.4), SOFT, breaks_at="，")
    card.write(Area(20.3, 8.8, 23.5, 3.6), card.face.duty_phone, (3.2, 1.6), bold=True)
    card.number(Area(20.3, 14.4, 23.5, 3))
    card.code(0.4, 0.4, 19.2)


_DRAWINGS: dict[tuple[Kind, Side], Callable[[Canvas], None]] = {
    ("resident", "front"): _resident_front,
    ("resident", "back"): _resident_back,
    ("badge", "front"): _badge_front,
    ("badge", "back"): _badge_back,
    ("plate", "front"): _plate,
    ("sewin", "front"): _sewin,
    ("shoe", "front"): _shoe,
}


def _duty(face: CardFace) -> str:
    if face.duty_name and face.duty_always:
        return f"{face.duty_name} · {_('白天黑夜都有人')}"
    return face.duty_name


def _head_of_station(face: CardFace) -> str:
    return _("站长 %(phone)s", phone=face.head_phone) if face.head_phone else ""


def _what_to_do(face: CardFace) -> str:
    if not face.duty_phone:
        return _("请扫正面的码，陪老人等一等")
    return _("请打 %(phone)s 或扫正面的码，陪老人等一等", phone=face.duty_phone)


def _for_a_rescuer(face: CardFace) -> list[tuple[str, str]]:
    asked = [(_("过敏"), face.allergies), (_("血型"), face.blood_type), (_("请留意"), face.other_words)]
    return [(label, clean(words)) for label, words in asked if words.strip()]


def _lost_badge(face: CardFace) -> str:
    return _("捡到了请打 %(phone)s，谢谢您", phone=face.duty_phone) if face.duty_phone else ""
