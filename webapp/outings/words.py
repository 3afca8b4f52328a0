"""What outings and searches are called on a screen."""

from __future__ import annotations

from webapp.kit.words import _l

WITH = {
    "alone": _l("自己"),
    "kin": _l("家属"),
    "caregiver": _l("养护员"),
    "friend": _l("邻居、朋友"),
    "other": _l("别的人"),
}
WHERE = {
    "near": _l("楼下走走"),
    "shop": _l("买菜、买东西"),
    "hospital": _l("看病"),
    "visit": _l("走亲戚"),
    "other": _l("别的地方"),
}
ICONS = {
    "alone": "user", "kin": "users", "caregiver": "hand-heart", "friend": "users", "other": "more",
    "near": "footprints", "shop": "shopping-bag", "hospital": "stethoscope", "visit": "home",
}  # fmt: skip
HOW = {
    "self": _l("自己回来了"),
    "kin": _l("家里人找到的"),
    "people": _l("好心人送回来的"),
    "police": _l("警察送回来的"),
    "hospital": _l("在医院找到的"),
    "mistake": _l("没走丢，弄错了"),
    "other": _l("别的情况"),
}
STEPS = {
    "police": _l("打了110"),
    "neighbour": _l("问了邻居"),
    "searching": _l("有人去找了"),
    "heard": _l("有消息了"),
}
STEP_ICONS = {"police": "siren", "neighbour": "door-open", "searching": "footprints", "heard": "message-circle"}
OVERDUE = _l("外出到时候没回来")
LOST = _l("老人走失，正在找")
ENDED = _l("不再照看了")
