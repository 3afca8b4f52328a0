"""Who may do what: one table, role → verbs. Two questions, always both: `can` the role do it, is it `within` reach."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from webapp.kit.words import _l


class Role(StrEnum):
    """Granted at a place of the tree; kin and caregivers reach households through their own ties."""

    DISTRICT_OFFICER = "district_officer"
    DISTRICT_REVIEWER = "district_reviewer"
    STREET_MANAGER = "street_manager"
    STATION_HEAD = "station_head"
    CAREGIVER = "caregiver"
    DOCTOR = "family_doctor"
    INSPECTOR = "inspector"
    KIN = "kin"
    LIAISON = "liaison"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


ROLE_WORDS = {
    Role.DISTRICT_OFFICER: _l("区办公室"),
    Role.DISTRICT_REVIEWER: _l("区审批员"),
    Role.STREET_MANAGER: _l("街道管理中心"),
    Role.STATION_HEAD: _l("站长"),
    Role.CAREGIVER: _l("养护员"),
    Role.DOCTOR: _l("家庭医生"),
    Role.INSPECTOR: _l("监督员"),
    Role.KIN: _l("家属"),
    Role.LIAISON: _l("联络员"),
    Role.AUDITOR: _l("审计"),
    Role.ADMINISTRATOR: _l("管理员"),
}
OFFICE = frozenset(Role) - {Role.CAREGIVER, Role.KIN}
STAFF = (Role.DISTRICT_OFFICER, Role.STREET_MANAGER, Role.STATION_HEAD)
READERS = (*STAFF, Role.DISTRICT_REVIEWER)

# verb (feature.deed) → who may. A verb that no role holds does not exist; a route without a verb is a failing test.
GRANTS: dict[str, frozenset[Role]] = {
    verb: frozenset(roles)
    for verb, roles in {
        "people.self": tuple(Role),
        "people.see": (*READERS, Role.LIAISON, Role.AUDITOR),
        "people.edit": STAFF,
        "people.reveal": STAFF,
        "people.import": STAFF,
        "people.staff": (*STAFF, Role.ADMINISTRATOR),
        "people.enrol": STAFF,
        "people.duty": STAFF,
        "people.found": (Role.DISTRICT_OFFICER, Role.STREET_MANAGER, Role.ADMINISTRATOR),
        "people.portrait": (*READERS, Role.CAREGIVER, Role.DOCTOR, Role.KIN),
        "people.invite": STAFF,
        "access.see": (*READERS, Role.ADMINISTRATOR, Role.AUDITOR),
        "deliveries.see": (*READERS, Role.CAREGIVER),
        "deliveries.settle": STAFF,
        "messages.see": (*STAFF, Role.CAREGIVER),
        "messages.settle": STAFF,
        "messages.announce": STAFF,
        "cards.see": (*READERS,),
        "cards.issue": STAFF,
        "cards.print": STAFF,
        "roster.see": (*READERS, Role.AUDITOR),
        "roster.plan": STAFF,
        "roster.ask": (Role.CAREGIVER,),
        "visits.record": (Role.CAREGIVER,),
        "visits.see": (*READERS, Role.CAREGIVER, Role.AUDITOR),
        "visits.live": READERS,
        "visits.settle": STAFF,
        "visits.unlock": (Role.DISTRICT_OFFICER, Role.STREET_MANAGER),
        "visits.export": STAFF,
        "outings.record": (*STAFF, Role.CAREGIVER, Role.KIN),
        "outings.search": STAFF,
        "welfare.see": (*READERS, Role.LIAISON),
        "welfare.write": (*STAFF, Role.LIAISON),
        "welfare.plan": STAFF,
        "logs.write": (Role.CAREGIVER,),
        "logs.see": (*READERS, Role.CAREGIVER),
        "ledger.write": (Role.CAREGIVER,),
        "ledger.see": (*READERS, Role.CAREGIVER, Role.AUDITOR),
        "ledger.settle": STAFF,
        "health.sheet": (*STAFF, Role.DOCTOR),
        "requests.ask": (*STAFF, Role.CAREGIVER, Role.KIN),
        "requests.see": (*READERS, Role.CAREGIVER, Role.KIN, Role.LIAISON),
        "requests.list": READERS,
        "requests.send": STAFF,
        "requests.do": (*STAFF, Role.CAREGIVER, Role.LIAISON),
        "requests.rate": (*STAFF, Role.KIN),
        "requests.needs": READERS,
        "voices.list": READERS,
        "voices.hear": STAFF,
        "voices.mine": (Role.CAREGIVER,),
        "voices.say": (*STAFF, Role.KIN, Role.CAREGIVER),
        "voices.change": (*STAFF, Role.KIN),
        "voices.judge": (Role.KIN,),
        "voices.answer": STAFF,
        "ledger.agree": STAFF,
        "ledger.confirm": (*STAFF, Role.CAREGIVER),
        "ledger.export": (*STAFF, Role.AUDITOR),
        "ledger.draw": (Role.DISTRICT_OFFICER, Role.STREET_MANAGER, Role.AUDITOR),
        "evaluations.see": (*READERS, Role.CAREGIVER, Role.INSPECTOR, Role.AUDITOR),
        "evaluations.behind": (*READERS, Role.CAREGIVER, Role.AUDITOR),
        "reviews.see": (*READERS, Role.CAREGIVER, Role.AUDITOR),
        "evaluations.gather": STAFF,
        "evaluations.judge": (Role.STATION_HEAD,),
        "evaluations.seal": (Role.STREET_MANAGER,),
        "evaluations.review": (Role.DISTRICT_OFFICER, Role.STREET_MANAGER),
        "evaluations.answer": (Role.CAREGIVER,),
        "evaluations.print": (*READERS, Role.AUDITOR),
        "evaluations.bind": STAFF,
        "evaluations.compare": (Role.DISTRICT_OFFICER, Role.DISTRICT_REVIEWER, Role.STREET_MANAGER, Role.AUDITOR),
        "evaluations.rule": (Role.DISTRICT_OFFICER,),
        "rules.try": tuple(OFFICE),
        "selfscores.see": (*READERS, Role.AUDITOR),
        "selfscores.fill": (Role.STATION_HEAD, Role.STREET_MANAGER),
        "selfscores.check": (Role.STREET_MANAGER, Role.DISTRICT_OFFICER),
        "selfscores.rule": (Role.DISTRICT_OFFICER,),
        "training.see": (*READERS, Role.AUDITOR),
        "training.hold": STAFF,
        "training.read": (*READERS, Role.AUDITOR, Role.CAREGIVER),
        "training.mine": (Role.CAREGIVER,),
        "inspections.see": (*READERS, Role.INSPECTOR, Role.AUDITOR),
        "inspections.draw": (Role.DISTRICT_OFFICER, Role.STREET_MANAGER),
        "inspections.record": (Role.INSPECTOR, Role.STREET_MANAGER, Role.DISTRICT_OFFICER),
        "inspections.mend": (Role.STATION_HEAD, Role.STREET_MANAGER),
        "inspections.accept": (Role.INSPECTOR, Role.STREET_MANAGER, Role.DISTRICT_OFFICER),
        "applications.see": READERS,
        "applications.take": STAFF,
        "applications.move": READERS,
        "applications.publish": (Role.STREET_MANAGER, Role.STATION_HEAD),
        "applications.board": READERS,
        "family.see": (Role.KIN,),
        "family.say": (Role.KIN,),
        "family.digest": STAFF,
        "family.own": (*STAFF, Role.KIN),
        "endings.settle": STAFF,
    }.items()
}

VERB_WORDS = {
    "people.self": _l("看自己的页面，换语言和字号"),
    "people.see": _l("看老人和人员"),
    "people.edit": _l("改老人和家庭的资料"),
    "people.reveal": _l("写明原因后看完整的号码"),
    "people.import": _l("从表格导入"),
    "people.staff": _l("开账号、结束账号、给改密码的码"),
    "people.enrol": _l("给养护员开通手机、停用手机"),
    "people.duty": _l("排值班表"),
    "people.found": _l("新设街道和服务站"),
    "people.portrait": _l("看头像"),
    "people.invite": _l("邀请家属"),
    "access.see": _l("看这张表"),
    "deliveries.see": _l("看交来的记录"),
    "deliveries.settle": _l("处理放在站里的记录，收手机存的文件"),
    "messages.see": _l("看给自己的消息和待办，说“知道了”“办好了”"),
    "messages.settle": _l("办待办、记下打过的电话、给人发消息"),
    "messages.announce": _l("发通知，看谁看过"),
    "cards.see": _l("看身份卡和门牌"),
    "cards.issue": _l("发卡、停卡"),
    "cards.print": _l("打印卡"),
    "roster.see": _l("看排班"),
    "roster.plan": _l("排班、批假、派替班、停一停"),
    "roster.ask": _l("请假"),
    "visits.record": _l("签到、签退、记服务"),
    "visits.see": _l("看上门记录"),
    "visits.live": _l("看实时在岗"),
    "visits.settle": _l("核对上门记录"),
    "visits.unlock": _l("同意站里办过了时间的改时间"),
    "visits.export": _l("把上门记录导出成表格"),
    "outings.record": _l("记老人外出和回来，老人走失时开始找、记做了什么"),
    "outings.search": _l("看站里谁在外面、在找谁"),
    "welfare.see": _l("看该走访哪些老人"),
    "welfare.write": _l("写走访日志"),
    "welfare.plan": _l("定多久走访一次"),
    "logs.write": _l("写日记"),
    "logs.see": _l("看日记"),
    "ledger.write": _l("记账"),
    "ledger.see": _l("看账本"),
    "ledger.settle": _l("核对账目里要看的"),
    "health.sheet": _l("看和写老人的急救信息"),
    "requests.ask": _l("请人帮忙"),
    "requests.see": _l("看一件帮忙的事办到哪里"),
    "requests.list": _l("看各处帮忙的事"),
    "requests.send": _l("派人去办，办不了的记成需求"),
    "requests.do": _l("接单、做完了、做不了"),
    "requests.rate": _l("说服务做得好不好，不用了"),
    "requests.needs": _l("看办不了的需求，按种类数"),
    "voices.list": _l("看老人的意见、投诉和建议的清单"),
    "voices.hear": _l("问老人意见，替老人记下"),
    "voices.mine": _l("看老人说自己做得怎么样"),
    "voices.say": _l("提意见，说老人受欺负、受骗"),
    "voices.change": _l("想换养护员"),
    "voices.judge": _l("说对答复满意不满意"),
    "voices.answer": _l("答复投诉，决定换不换养护员"),
    "ledger.agree": _l("和老人、家属约定钱的事"),
    "ledger.confirm": _l("确认点的钱，回家属问的账"),
    "ledger.export": _l("把账本导出来"),
    "ledger.draw": _l("抽账本来查"),
    "evaluations.see": _l("看月考核"),
    "evaluations.behind": _l("看考核背后的记录"),
    "reviews.see": _l("看季评议"),
    "evaluations.gather": _l("把一个月的记录再算一遍"),
    "evaluations.judge": _l("给养护员打分、答复意见、签字"),
    "evaluations.seal": _l("定下签过字的考核，确认一票否决"),
    "evaluations.review": _l("复核定了的考核"),
    "evaluations.answer": _l("看自己的考核，提不同意见"),
    "evaluations.print": _l("打印考核表，导出表格"),
    "evaluations.bind": _l("把一个月的台账装订成一份"),
    "evaluations.compare": _l("比较各站各街道的考核，核对算得对不对"),
    "evaluations.rule": _l("改月考核的规则，先拿上个月试一试"),
    "selfscores.see": _l("看自评打分表"),
    "selfscores.fill": _l("给自己的单位打分，写凭据"),
    "selfscores.check": _l("核下一级交来的自评表"),
    "selfscores.rule": _l("改自评表的项目和满分"),
    "rules.try": _l("按规则试算：考核、检查、哪天上班"),
    "training.see": _l("看培训和培训率"),
    "training.hold": _l("定培训、签到、打分"),
    "training.read": _l("看培训合格证"),
    "training.mine": _l("看自己的培训和证书"),
    "inspections.see": _l("看监督检查的结果"),
    "inspections.draw": _l("抽签定检查哪几户、谁去"),
    "inspections.record": _l("到家里和站里检查、记结果"),
    "inspections.mend": _l("报整改、答复建议"),
    "inspections.accept": _l("复查整改"),
    "applications.see": _l("看补贴申请办到哪里"),
    "applications.take": _l("收补贴申请"),
    "applications.move": _l("把申请往下办，通过、退回或不批"),
    "applications.publish": _l("张榜公示"),
    "applications.board": _l("打印享受补贴的名单，贴在公告栏"),
    "family.see": _l("看自己老人的情况"),
    "family.say": _l("说上门属实还是有疑问，谢谢养护员，同意救人的看急救信息"),
    "family.digest": _l("看一周小结，发给家属"),
    "family.own": _l("给老人打开大字页，老人自己点"),
    "endings.settle": _l("办老人、搬家和养护员离岗的收尾"),
}
"""What a verb lets people do, for those who read the table."""

MASKED = frozenset({Role.AUDITOR, Role.LIAISON})
"""They see 张**, the station, and no number or address."""

# Who may appoint whom, always below oneself: nobody makes an equal. Administrators are made by command.
_STATION = frozenset({Role.CAREGIVER, Role.LIAISON, Role.DOCTOR})
_STREET = _STATION | {Role.STATION_HEAD, Role.INSPECTOR}
_DISTRICT = _STREET | {Role.STREET_MANAGER, Role.AUDITOR, Role.DISTRICT_REVIEWER}
APPOINTS: dict[Role, frozenset[Role]] = {
    Role.STATION_HEAD: _STATION,
    Role.STREET_MANAGER: _STREET,
    Role.DISTRICT_OFFICER: _DISTRICT,
    Role.ADMINISTRATOR: _DISTRICT | {Role.DISTRICT_OFFICER},
}


def appoints(actor_role: Role, role: Role) -> bool:
    """Whether one role may open and end accounts of another."""
    return role in APPOINTS.get(actor_role, frozenset())


class Actor(Protocol):
    """Whoever asks: an account acting under one of its grants."""

    account_id: uuid.UUID
    person_id: uuid.UUID
    role: Role
    place_id: uuid.UUID | None
    place_name: str

    def reaches_household(self, column: Any) -> sa.ColumnElement[bool]:
        """Condition: the household in `column` is within reach."""
        ...

    def reaches_station(self, column: Any) -> sa.ColumnElement[bool]:
        """Condition: the station (or street, district) in `column` is within reach."""
        ...


S = TypeVar("S", bound="sa.Select[*tuple[Any, ...]]")


def can(actor: Actor | None, verb: str) -> bool:
    """Whether the actor's role holds `verb`. Raises KeyError for a verb that does not exist."""
    return actor is not None and actor.role in GRANTS[verb]


def within(actor: Actor, select: S) -> S:
    """`select` narrowed to what `actor` reaches, by the `reach` of the entity it asks for first."""
    entity = select.column_descriptions[0]["entity"]
    return select.where(entity.reach(actor))
