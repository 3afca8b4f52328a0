"""Printed cards: they read under bad light, measure what they should, and say nothing they must not."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from babel.messages.pofile import read_po
from PIL import Image
from pypdf import PdfReader

from tests.cards.reading import (
    HARDSHIPS,
    by_zbar,
    by_zxing,
    lines_across,
    lines_down,
    picture,
    poppler,
    printed,
    scaled,
    turned,
    words,
)
from webapp.cards import printing
from webapp.cards.drawing import canvas, layout
from webapp.cards.drawing.symbol import modules as symbol
from webapp.cards.printing import CardFace, card_png, sheet_pdf, unprintable
from webapp.kit.refusal import Refusal

TOKEN = "7H3K9QW2M5X8ABCDEFGHJKMNPQ"
URL = f"https://nuanchao.example/c/{TOKEN}"
LI = CardFace(
    kind="resident",
    organisation="和平里社区居家养老服务站",
    name="李秀兰",
    number="3627419",
    url=URL,
    duty_name="街道值班室",
    duty_phone="0411-0000 1234",
    head_phone="0411-0000 5678",
    allergies="青霉素、磺胺类药",
    blood_type="A 型 RH 阳性",
    other_words="听力不好，请慢慢大声说。",
    footer="和平里街道居家养老服务中心",
)
KINDS: tuple[printing.Kind, ...] = ("resident", "plate", "badge", "sewin", "shoe")
CARDS: tuple[printing.Kind, ...] = ("resident", "plate", "badge")
ENGLISH = Path(printing.__file__).parents[1] / "translations" / "en" / "printing.po"


@pytest.mark.parametrize("read", [by_zbar, by_zxing])
@pytest.mark.parametrize("hardship", HARDSHIPS)
@pytest.mark.parametrize("kind", CARDS)
def test_a_card_reads_through_every_hardship(kind, hardship, read):
    card = picture(card_png(replace(LI, kind=kind, sample=True)))
    assert read(HARDSHIPS[hardship](card)) == [URL]


@pytest.mark.parametrize("read", [by_zbar, by_zxing])
@pytest.mark.parametrize("change", [scaled(0.5), turned(7), turned(90), turned(183)])
@pytest.mark.parametrize("kind", ["sewin", "shoe"])
def test_a_small_label_reads_at_half_its_size_and_turned(kind, change, read):
    assert read(change(picture(card_png(replace(LI, kind=kind, sample=True))))) == [URL]


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_measures_15_millimetres_and_mends_a_quarter(kind):
    found = zxingcpp.read_barcodes(picture(card_png(replace(LI, kind=kind))))[0]
    width = (found.position.top_right.x - found.position.top_left.x + 1) / 300 * 25.4
    assert width >= 15
    assert found.ec_level == "Q"


def test_the_code_has_two_segments_and_so_stays_small():
    assert len(symbol(URL)) == 33 + 2 * 4, "version 4; as bytes alone it would need version 5"


def test_the_quiet_zone_is_four_modules_of_white():
    modules = np.array(symbol(URL))
    assert not modules[:4].any()
    assert not modules[-4:].any()
    assert not modules[:, :4].any()
    assert modules[4, 4]


@pytest.mark.parametrize(
    "url",
    ["HTTPS://NUANCHAO.EXAMPLE/C/" + TOKEN, URL.lower(), "https://nuanchao.example/c/", URL + "?a=1", ""],
)
def test_an_address_that_is_no_cards_is_not_printed(url):
    with pytest.raises(ValueError, match="address"):
        card_png(replace(LI, url=url))


@pytest.mark.parametrize(("kind", "size"), [("resident", (1011, 638)), ("sewin", (709, 236)), ("shoe", (531, 236))])
def test_a_picture_is_true_to_size_at_300_dots(kind, size):
    image = Image.open(io.BytesIO(card_png(replace(LI, kind=kind))))
    assert image.size == size
    assert [round(dots) for dots in image.info["dpi"]] == [300, 300]


@pytest.mark.parametrize("kind", ["plate", "sewin", "shoe"])
def test_what_has_no_back_is_not_drawn_from_behind(kind):
    with pytest.raises(ValueError, match="no back"):
        card_png(replace(LI, kind=kind), side="back")


# --- words ---


def test_the_card_carries_name_organisation_phones_and_number():
    front, back = (words(sheet_pdf([LI], "resident"), page) for page in (0, 1))
    for said in ("李秀兰", "和平里社区居家养老服务站", "0411-0000 1234", "0411-0000 5678", "362 7419"):
        assert said in front
    for said in ("青霉素", "A 型 RH 阳性", "听力不好", "和平里街道居家养老服务中心", "120"):
        assert said in back
        assert said not in front


def test_the_plate_says_the_number_and_nothing_about_the_people():
    said = words(sheet_pdf([replace(LI, kind="plate")], "plate"))
    card = said.split("毫米")[-1]
    assert re.sub(r"\s", "", card) == "3627419"


def test_the_shoe_says_no_name():
    assert "李秀兰" not in words(sheet_pdf([replace(LI, kind="shoe")], "shoe"))


def test_blood_type_is_printed_only_when_given():
    assert "血型" not in words(sheet_pdf([replace(LI, blood_type="")], "resident"), 1)


def test_without_anything_to_tell_a_rescuer_the_back_shows_the_telephone_large():
    bare = replace(LI, allergies="", blood_type="", other_words="")
    said = words(sheet_pdf([bare], "resident"), 1)
    assert said.count("0411-0000 1234") == 2
    assert "过敏" not in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_made_up_card_says_so_and_a_real_one_does_not(kind):
    face = replace(LI, kind=kind)
    assert "样张" in words(sheet_pdf([replace(face, sample=True)], kind))
    assert "样张" not in words(sheet_pdf([face], kind))


@pytest.mark.parametrize(
    "name",
    [
        "欧阳䶮德",
        "阿卜杜热合曼·买买提明·艾合买提江",
        "一二三四五六七八九十一二三四五六七八九十",
        "Abdurehman Mamatimin Yüsüp",
    ],
)
def test_long_and_rare_names_are_printed_whole(name):
    face = replace(LI, name=name)
    assert name.replace(" ", "") in re.sub(r"\s", "", words(sheet_pdf([face], "resident")))
    ink = np.array(picture(card_png(face)))[150:255, 240:]
    assert (ink < 128).any()
    assert (ink[:, -44:] > 200).all(), "nothing runs into the 4 mm along the edge"


def test_a_name_of_several_parts_breaks_between_them():
    said = words(sheet_pdf([replace(LI, name="阿卜杜热合曼·买买提明·艾合买提江")], "resident"))
    assert "阿卜杜热合曼·买买提明·\n" in said


def test_letters_the_font_lacks_are_named_not_left_out():
    assert unprintable("李秀兰 ئەلى 𪚥") == "ئەلى𪚥"
    assert unprintable("欧阳䶮德，Yu\u0308 \u200b\ufe0f") == ""
    with pytest.raises(Refusal) as refused:
        card_png(replace(LI, name="李𪚥兰"))
    assert refused.value.code == "cards.no_letter"
    assert "𪚥" in str(refused.value)


def test_too_many_words_for_the_back_are_refused_with_the_name():
    with pytest.raises(Refusal) as refused:
        card_png(replace(LI, other_words="请慢慢大声说。" * 80), side="back")
    assert refused.value.code == "cards.too_long"
    assert "李秀兰" in str(refused.value)


def test_the_english_of_every_word_fits_its_place(monkeypatch):
    with ENGLISH.open("rb") as file:
        catalogue = read_po(file)

    def english(text: str, **facts: object) -> str:
        found = str(catalogue[text].string)
        return found % facts if facts else found

    for room in (canvas, layout, printing):
        monkeypatch.setattr(room, "_", english)
    for kind in KINDS:
        assert by_zxing(picture(card_png(replace(LI, kind=kind, sample=True)))) == [URL]
    assert "This person may need help" in words(sheet_pdf([LI], "resident"), 1)


# --- portraits ---


def portrait(format: str = "JPEG", colour: str = "#c02020") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (900, 1200), colour).save(out, format)
    return out.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_the_portrait_takes_the_place_of_the_initial(format):
    card = Image.open(io.BytesIO(card_png(replace(LI, portrait=portrait(format)))))
    red, green, _blue = card.getpixel((130, 250))
    assert red > 150
    assert green < 70


def test_a_portrait_that_is_no_picture_is_refused_by_name():
    with pytest.raises(Refusal) as refused:
        card_png(replace(LI, portrait=b"\xff\xd8 no picture"))
    assert refused.value.code == "cards.portrait"
    assert "李秀兰" in str(refused.value)


# --- the sheet ---


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> Callable[[bytes], list[Image.Image]]:
    """Renders a PDF as a printer would."""
    return lambda pdf: printed(pdf, tmp_path_factory.mktemp("sheet"))


def test_the_page_is_a4_to_a_hundredth_of_a_millimetre():
    box = PdfReader(io.BytesIO(sheet_pdf([LI], "resident"))).pages[0].mediabox
    assert float(box.width) / 72 * 25.4 == pytest.approx(210, abs=0.01)
    assert float(box.height) / 72 * 25.4 == pytest.approx(297, abs=0.01)


def test_the_print_dialog_opens_without_scaling_and_on_the_long_edge():
    wishes = PdfReader(io.BytesIO(sheet_pdf([LI], "resident"))).trailer["/Root"]["/ViewerPreferences"]
    assert wishes["/PrintScaling"] == "/None"
    assert wishes["/Duplex"] == "/DuplexFlipLongEdge"


def test_a_card_on_paper_measures_85_6_by_54_and_the_ruler_100(pages):
    page = pages(sheet_pdf([replace(LI, kind="plate")] * 3, "plate"))[0]
    left, right = lines_across(page, 10.3, 15, 104.5)
    top, bottom, next_top, _next_bottom = lines_down(page, 18.5, 8, 122)
    assert right - left == pytest.approx(85.6, abs=0.2)
    assert bottom - top == pytest.approx(54, abs=0.2)
    assert next_top - bottom == pytest.approx(2, abs=0.2)
    ruler = lines_down(page, 5.6, 5, 130)
    assert ruler[1] - ruler[0] == pytest.approx(100, abs=0.2)


def test_the_cut_marks_stand_in_line_with_the_cards(pages):
    page = pages(sheet_pdf([replace(LI, kind="plate")] * 4, "plate"))[0]
    assert lines_across(page, 7, 10, 200) == pytest.approx(lines_across(page, 10.3, 10, 200), abs=0.1)


def test_front_and_back_meet_when_turned_over_the_long_edge(pages):
    faces = [replace(LI, allergies=f"第{n}位") for n in "一二三"]
    front, back = pages(sheet_pdf(faces, "resident"))
    held_to_the_light = back.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for y in (62.8, 118.8):
        through = lines_across(held_to_the_light, y, 10, 200)
        assert lines_across(front, y, 10, 200) == pytest.approx(through, abs=0.2)


def test_each_back_lies_behind_its_own_front():
    faces = [replace(LI, name=f"老人{n}", allergies=f"第{n}位") for n in "一二三"]
    front, back = (placed(sheet_pdf(faces, "resident"), page) for page in (0, 1))
    for n in "一二三":
        (x, y), (behind_x, behind_y) = front[f"老人{n}"], back[f"第{n}位"]
        assert (x < 105) == (behind_x > 105), "left in front is right behind"
        assert abs(y - behind_y) < 30, "in the same row"


def placed(pdf: bytes, page: int) -> dict[str, tuple[float, float]]:
    """Words of a page with their place, mm from the left upper corner."""
    boxes = poppler("pdftotext", pdf, "-bbox", "-f", str(page + 1), "-l", str(page + 1), "-", "-")
    found = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)"[^>]*>([^<]+)<', boxes)
    return {word: (float(x) / 72 * 25.4, float(y) / 72 * 25.4) for x, y, word in found}


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_of_a_printed_sheet_reads(kind, pages):
    urls = [f"https://nuanchao.example/c/{n:02d}{TOKEN[2:]}" for n in range(printing.SHEETS[kind].places)]
    faces = [replace(LI, kind=kind, url=url) for url in urls]
    (page,) = pages(sheet_pdf(faces, kind, double_sided=False))
    assert sorted(by_zxing(page)) == urls


def test_the_codes_are_drawn_not_pasted_so_they_stay_sharp_at_any_size():
    reader = PdfReader(io.BytesIO(sheet_pdf([LI], "resident")))
    assert not list(reader.pages[0].images)


@pytest.mark.parametrize(
    ("kind", "count", "double_sided", "expected"),
    [("resident", 10, True, 2), ("resident", 11, True, 4), ("resident", 11, False, 2), ("shoe", 49, True, 2)],
)
def test_pages_are_as_many_as_the_cards_need(kind, count, double_sided, expected):
    pdf = sheet_pdf((replace(LI, kind=kind) for _ in range(count)), kind, double_sided)
    assert len(PdfReader(io.BytesIO(pdf)).pages) == expected


def test_a_sheet_of_one_kind_takes_no_other_and_is_never_empty():
    with pytest.raises(ValueError, match="a plate on a sheet of resident"):
        sheet_pdf([replace(LI, kind="plate")], "resident")
    with pytest.raises(ValueError, match="no cards"):
        sheet_pdf([], "resident")
