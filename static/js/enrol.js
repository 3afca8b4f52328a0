/* The phone check and enrolment, one page: <form data-enrol data-then="/today" data-wasm="…" data-now="<server RFC 3339>"> with
   fields slip, pin, label; [data-check="browser camera place storage key clock scanner"] one element each, whose data-result
   becomes wait, ok or not and whose [data-when-result="ok|not|wait"] children are toggled; [data-check-start] a button that begins
   (without one the check begins at once). At the end one of [data-verdict="ok|part|not" hidden] is shown: not when a check with
   data-must is not ok, part when another one is not (those with data-mild do not count). [data-wechat hidden]: shown alone inside WeChat, where this cannot work.
   Submitting POSTs /devices JSON {slip, jwk, pin, gen, label}; {device, account} back adopts the key and opens data-then;
   otherwise the answer's `say`, or [data-enrol-cut] without one, is shown in [data-enrol-say]. Put the scan bundle before this one. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.enrol) return;
  const ASKED = 15000;   // Firefox answers only when the person has: a question left alone must not stop her here
  const able = () => !!(self.isSecureContext && self.crypto && crypto.subtle && navigator.locks && self.indexedDB && self.fetch);

  const checks = {
    browser: async () => able(),
    key: async () => !!(await nc.keys.fresh()).jwk,
    // Half the answer: without the promise the browser may still keep things, so a no is shown, never a stop.
    storage: async () => !!(navigator.storage && navigator.storage.persist && await navigator.storage.persist()),
    clock: async form => Math.abs(Date.now() - Date.parse(form.dataset.now) - performance.now()) < 600000,
    camera: async () => {
      const stream = await navigator.mediaDevices.getUserMedia({audio: false, video: {facingMode: {ideal: 'environment'}}});
      stream.getTracks().forEach(track => track.stop());
      return true;
    },
    place: () => new Promise(done => navigator.geolocation.getCurrentPosition(() => done(true), () => done(false),
      {enableHighAccuracy: true, timeout: 10000})),
    scanner: async form => !!(nc.scan && await nc.scan.detector(form.dataset.wasm))
  };

  function mark(el, result) {
    el.dataset.result = result;
    el.querySelectorAll('[data-when-result]').forEach(part => { part.hidden = part.dataset.whenResult !== result; });
  }

  async function check(form) {
    for (const el of document.querySelectorAll('[data-check]')) {   // one by one: two permission questions at once confuse
      mark(el, 'wait');
      const late = new Promise(done => setTimeout(done, ASKED, false));
      const result = await Promise.race([Promise.resolve(checks[el.dataset.check] && checks[el.dataset.check](form)), late]).catch(() => false);
      mark(el, result ? 'ok' : 'not');
    }
    const bad = Array.from(document.querySelectorAll('[data-check]')).filter(el => el.dataset.result !== 'ok' && !('mild' in el.dataset));
    const verdict = bad.some(el => 'must' in el.dataset) ? 'not' : bad.length ? 'part' : 'ok';
    document.querySelectorAll('[data-verdict]').forEach(el => { el.hidden = el.dataset.verdict !== verdict; });
  }

  const show = (selector, on, text) => document.querySelectorAll(selector).forEach(el => {
    el.hidden = !on;
    if (text) el.textContent = text;
  });

  async function enrol(form) {
    const fresh = await nc.keys.fresh(), csrf = document.querySelector('meta[name="csrf-token"]');
    const answer = await fetch('/devices', {
      method: 'POST', credentials: 'same-origin', redirect: 'manual',
      headers: Object.assign({'Content-Type': 'application/json'}, csrf && {'X-CSRFToken': csrf.content}),
      body: JSON.stringify({slip: form.elements.slip.value.trim(), jwk: fresh.jwk, pin: form.elements.pin.value, gen: fresh.gen,
        label: form.elements.label ? form.elements.label.value : ''})
    });
    const said = await answer.json();
    if (!answer.ok || !said.device || !said.account) return show('[data-enrol-say]', true, said.say);
    await nc.keys.adopt(said);
    if (nc.shelf) await nc.shelf.arm(form.elements.pin.value).catch(() => {});   // without it: no pages for a day without network, nothing else
    location.assign(form.dataset.then || '/');
  }

  function start() {
    const form = document.querySelector('form[data-enrol]');
    if (!form || start.done) return;
    start.done = true;
    if (/MicroMessenger/i.test(navigator.userAgent)) {
      form.hidden = true;
      return show('[data-wechat]', true);
    }
    const button = document.querySelector('[data-check-start]');
    if (button) button.addEventListener('click', () => check(form));
    else check(form);
    let busy = false;
    form.addEventListener('submit', async e => {
      if (!able()) return;
      e.preventDefault();
      if (busy) return;
      busy = true;
      show('[data-enrol-say],[data-enrol-cut]', false);
      await enrol(form).catch(() => show('[data-enrol-cut]', true));
      busy = false;
    });
  }

  nc.enrol = {start, check};
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
