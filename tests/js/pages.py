# ruff: noqa: E501 - markup reads better unbroken
"""Pages of the stub: the smallest markup each behaviour asks for (the head of every file in static/js tells the same)."""

from __future__ import annotations

from tests.js.stub import ACCOUNT, HOUSE, VISIT

HEAD = (
    '<!doctype html><html lang="zh" class="scale-100"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
    '<meta name="htmx-config" content=\'{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0}\'>'
    '<title>t</title><meta name="csrf-token" content="csrf-1">'
)


def page(
    body: str, account: str = ACCOUNT, scripts: tuple[str, ...] = ("app.js", "forms.js", "offline.js"), attrs: str = ""
) -> str:
    """A whole page for `account` with the named bundles."""
    tags = "".join(f'<script src="/{name}" defer></script>' for name in scripts)
    return f'{HEAD}{tags}</head><body data-account="{account}" data-app="2026.11.21" {attrs}>{body}</body></html>'


CHIP = '<a id="chip" data-outbox-count data-words="{n} 条手机已存" hidden></a><p data-offline hidden><i data-keyed hidden>先存在手机里</i><i data-keyless>请等有网</i></p><p data-unkeyed hidden>请站长重新开通</p>'

ARRIVE = f"""
<form id="arrive" method="post" action="/visits/{VISIT}/arrive" data-kept="visits.arrive" data-schema="1" data-title="签到 王奶奶"
  data-chain="{VISIT}" data-household="{HOUSE}" data-makes="arrived" data-then="stay">
 <input type="hidden" name="id" value="019aa7c4-0000-7000-8000-0000000000aa"><input type="hidden" name="made_at" value="2026-11-21T00:00:00.000Z">
 <input type="hidden" name="seal" value="s"><input type="hidden" name="csrf_token" value="csrf-1">
 <input type="hidden" name="card" data-card>
 <button>签到</button><p data-kept-note hidden>手机已存</p><p data-kept-full hidden>没存上，请再点一次</p>
 <p data-kept-none hidden>没网，存不了</p></form>"""

PIECE = f"""
<section id="visit" data-chain="{VISIT}" data-state="planned" data-seen="" data-refetch="/piece">
 <p id="planned" data-when="planned">还没到</p><p id="arrived" data-when="arrived" hidden>到了</p>
 <b id="on-phone" data-when-kept="queued sending" hidden>手机已存</b><b id="received" data-when-kept="delivered" hidden>站里已收到</b>
 <b id="look" data-when-kept="held" hidden>站里要看</b>
</section>"""

SPEND = f"""
<form id="spend" method="post" action="/book/spend" data-kept="ledger.spend" data-schema="2" data-title="买菜" data-chain="{VISIT}"
  data-household="{HOUSE}" data-adds="cash_fen=-amount_fen@how:now advance_fen=-amount_fen@how:later" data-then="stay" data-draft="spend">
 <input name="amount_fen" data-kind="fen" inputmode="decimal" required data-wrong="这里只能填数字">
 <input name="minutes" data-kind="int"><input name="note"><input type="checkbox" name="seen" data-kind="bool">
 <label><input type="checkbox" name="items" value="medicine" data-kind="list">药</label>
 <label><input type="checkbox" name="items" value="food" data-kind="list">菜</label>
 <input type="radio" name="who" value="elder"><input type="radio" name="who" value="kin">
 <textarea name="words"></textarea><select name="kind"><option value=""></option><option value="cash">现金</option></select>
 <div data-keypad="amount_fen"><button type="button" data-key="4">4</button><button type="button" data-key=".">.</button><button type="button" data-key="back">x</button>
  <output data-keypad-say aria-live="polite"></output></div>
 <div data-photo-box><input type="file" name="receipt" accept="image/*" data-photo multiple>
  <div data-photo-thumbs><template><figure><img alt="小票"><button type="button" data-photo-remove>x</button></figure></template></div>
  <p data-photo-wrong hidden>重拍</p></div>
 <p data-draft-note hidden>找回来了</p><button id="save" name="how" value="now">存好</button><p data-kept-note hidden>手机已存</p></form>"""

BOOK = f"""
<section id="book" data-household="{HOUSE}" data-seen=""><b id="cash" data-sum="cash_fen" data-value="12000" data-as="money">120.00</b><b id="advance" data-sum="advance_fen" data-value="500" data-as="money">5.00</b>
 <ul><template data-kept-template="ledger.spend"><li><span data-fill="title"></span> <span class="sum" data-fill="amount_fen" data-as="money"></span>
  <span class="items" data-fill="items" data-words='{{"food":"菜","medicine":"药"}}'></span>
  <i data-when-kept="queued sending" hidden>手机已存</i><i data-when-kept="delivered" hidden>站里已收到</i></li></template><li>以前的</li></ul></section>"""

OUTBOX = """
<ul data-outbox-list data-other="别人的记录" data-now="刚刚" data-minutes="{n} 分钟前" data-hours="{n} 小时前" data-days="{n} 天前">
 <template><li><b data-fill="title"></b> <time data-fill="age"></time> <span class="seq" data-fill="seq"></span>
 <i data-when-kept="queued sending">手机已存</i><i data-when-kept="delivered">站里已收到</i><i data-when-kept="held">站里要看</i>
 <p data-why="device">手机没登记</p></li></template></ul><p data-outbox-empty hidden>没有</p>
<button data-send-now>现在发</button><button data-rescue="nuanchao">存成文件</button>"""

WORK = page(CHIP + PIECE + ARRIVE + SPEND + BOOK)
PAGES = {
    "/": WORK,
    "/other": page(CHIP + PIECE + ARRIVE + SPEND + BOOK),
    "/outbox": page(CHIP + OUTBOX),
    "/piece": PIECE,
    "/bare": page("<p>nothing here</p>"),
    "/pieces": page(
        '<button id="out" type="button" data-confirm="真的要退出吗？">退出</button><p id="n">0</p>'
        '<button type="button" data-scale="125">大</button><button type="button" data-scale="100">小</button>'
    ),
    "/unplanned": page(
        CHIP
        + ARRIVE.replace(f'data-chain="{VISIT}"', 'data-chain="field:visit"')
        .replace('name="card"', 'name="visit"')
        .replace("data-card", "")
        + SPEND.replace(f'data-chain="{VISIT}"', 'data-chain="field:visit"').replace(
            '<input name="note">', '<input name="note"><input type="hidden" name="visit">'
        )
        + PIECE.replace(f'data-chain="{VISIT}"', 'data-chain=""')
    ),
    "/placed": page(
        f'<form id="arrive" method="post" action="/x" data-kept="visits.arrive" data-chain="{VISIT}" data-place="3000">'
        + "".join(
            f'<input type="hidden" name="{n}" data-kind="place">'
            for n in ("lat_e6", "lon_e6", "accuracy_m", "fix_age_ms", "place_state")
        )
        + '<p data-place-note="denied" hidden>没让用位置</p><button>签到</button></form>'
    ),
    "/gate": page(
        f'<form id="arrive" method="post" action="/x" data-kept="visits.arrive" data-chain="{VISIT}" data-place="300">'
        + "".join(
            f'<input type="hidden" name="{n}" data-kind="place">'
            for n in ("lat_e6", "lon_e6", "accuracy_m", "fix_age_ms", "place_state")
        )
        + '<p data-gate="600"><span data-gate-wait>等</span><span data-gate-got hidden>记好了</span></p><button>签到</button></form>'
    ),
}
