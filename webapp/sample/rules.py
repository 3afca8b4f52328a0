"""Who the made-up people are and what their days look like: pure draws from the figures of org_example.json."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

STREETS_OF = {"small": 1, "street": 1, "district": 16}
DAYS_OF = {"small": 92, "street": 91, "district": 365}
ALERTS = (
    ("青霉素过敏", "allergy", "danger"),
    ("起身要扶", "fall", "watch"),
    ("耳背请大声", "hearing", "watch"),
    ("糖尿病少吃甜", "other", "watch"),
    ("夜里容易摔", "fall", "danger"),
    ("记性不好，别让独自出门", "other", "danger"),
)
STORIES = (
    "吃了半碗粥，说膝盖疼，给热敷了一会儿。",
    "今天精神不错，聊了年轻时候的事。",
    "中午做了番茄鸡蛋面，吃得干净。",
    "晒了被子，老人说暖和。",
    "量了血压，有点高，提醒按时吃药。",
    "陪着在楼下走了一圈，碰到老邻居。",
    "话不多，看了会儿电视就睡了。",
    "女儿来过电话，老人高兴了一上午。",
)
THINGS = {
    "EX-VEG": ("白菜", "豆腐", "土豆", "西红柿", "青椒"),
    "EX-MEA": ("鸡蛋", "猪肉", "鲫鱼"),
    "EX-GRA": ("挂面", "大米", "酱油"),
    "EX-FRU": ("牛奶", "香蕉", "苹果"),
    "EX-DAI": ("卫生纸", "洗衣粉", "牙膏"),
    "EX-MED": ("降压药", "钙片", "膏药"),
}


@dataclass(frozen=True)
class Elder:
    """One resident to be made."""

    name: str
    sex: str
    birth: date
    alerts: tuple[tuple[str, str, str], ...]


def pick(draw: random.Random, bands: list[list[float]]) -> int:
    """A whole number out of [[from, to, share], ...]."""
    low, high, _ = draw.choices(bands, [band[2] for band in bands])[0]
    return draw.randint(int(low), int(high))


def person(draw: random.Random, people: dict[str, list[str]], given: str) -> str:
    """A made-up name."""
    return draw.choice(people["surnames"]) + draw.choice(people[given])


def elder(
    draw: random.Random, figures: dict[str, Any], people: dict[str, list[str]], today: date, sex: str | None = None
) -> Elder:
    """A made-up resident of 60 or more."""
    figures = figures["elder_age"]
    sex = sex or ("f" if draw.random() < figures["female_share"] else "m")
    birth = today - timedelta(days=365 * pick(draw, figures["bands"]) + draw.randint(0, 364))
    alerts = tuple(draw.sample(ALERTS, draw.choice((0, 1, 1, 2))))
    return Elder(person(draw, people, "given_elder_female" if sex == "f" else "given_elder_male"), sex, birth, alerts)


def couples(draw: random.Random, households: int, elders: int) -> list[bool]:
    """Which of `households` are couples, so that `elders` live there in all."""
    pairs = [True] * (elders - households) + [False] * (2 * households - elders)
    draw.shuffle(pairs)
    return pairs


@dataclass(frozen=True)
class Day:
    """What happened in one household on one day; minutes after midnight, money in fen."""

    arrived_min: int
    minutes: int
    done: tuple[str, ...]
    refused: tuple[str, ...]
    mood: str
    meals: str
    story: str
    spent_fen: int
    category: str
    things: str
    seen: bool
    late: bool


def day(draw: random.Random, figures: dict[str, Any], start_min: int, minutes: int, items: tuple[str, ...]) -> Day:
    """One made-up day of a plan."""
    visits, money = figures["visits"], figures["money"]
    late = draw.random() < visits["late_over_15_min_share"]
    drift = draw.randint(16, 40) if late else max(-12, min(9, round(draw.gauss(-1, visits["start_sd_minutes"] / 4))))
    refused = tuple(code for code in items if draw.random() < visits["declined_share"])
    quiet = draw.random() < money["no_spending_day_share"]
    category = draw.choice(tuple(THINGS))
    return Day(
        arrived_min=max(start_min + drift, 1),
        minutes=max(15, round(draw.gauss(minutes, minutes / 12))),
        done=tuple(code for code in items if code not in refused),
        refused=refused,
        mood=draw.choices(("good", "fair", "poor"), (70, 24, 6))[0],
        meals=draw.choices(("well", "some", "little"), (66, 28, 6))[0],
        story=draw.choice(STORIES),
        spent_fen=0 if quiet else max(150, round(draw.expovariate(1 / (money["spend_per_day_yuan_mean"] * 100)) / 10) * 10),
        category=category,
        things="、".join(draw.sample(THINGS[category], draw.randint(1, 3))),
        seen=draw.random() < money["receipt_share"],
        late=late,
    )
