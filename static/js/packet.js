/* Fetches the pages for a day without network and says whether they are there. <body data-packet="/today/packet"> on a
   caregiver's pages; [data-ready="yes|part|old|lock|full|not|home" hidden] one of them is shown ([data-ready-missing] in it: how many);
   <form data-pin> the PIN on its way to the server; <form data-unlock> the PIN without network, with [data-unlock-wrong hidden]
   ([data-unlock-left] in it) and [data-unlock-gone hidden]; <form data-sign-out> lets go of the shelf; [data-kept-at] on
   <body> (put there by the worker): [data-kept-page hidden] is shown, [data-kept-time] in it filled. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.packet) return;
  const HALF_HOUR = 1800000, LITTLE = 5e7;
  const able = () => !!(self.isSecureContext && self.crypto && crypto.subtle && self.indexedDB && navigator.serviceWorker);
  const account = () => document.body.dataset.account;
  let running = null;

  function say(word, facts = {}) {
    document.querySelectorAll('[data-ready]').forEach(el => { el.hidden = el.dataset.ready !== word; });
    document.querySelectorAll('[data-ready-missing]').forEach(el => { el.textContent = facts.missing || ''; });
  }

  const apple = () => /iP(hone|ad|od)/.test(navigator.userAgent) || navigator.platform === 'MacIntel' && navigator.maxTouchPoints > 1;
  const installed = () => navigator.standalone === true || matchMedia('(display-mode: standalone)').matches;

  async function verdict() {
    if (!document.querySelector('[data-ready]')) return;
    if (!able()) return say('not');
    const [packet, open] = await nc.shelf.get('packet:' + account(), 'open:' + account());
    const {quota = 0, usage = 0} = navigator.storage && navigator.storage.estimate ? await navigator.storage.estimate() : {};
    if (quota > 0 && quota - usage < LITTLE) return say('full');
    if (apple() && !installed()) return say('home');
    if (!open) return say('lock');
    if (!navigator.serviceWorker.controller || !packet || packet.until < nc.shelf.local()) return say('old');
    say(packet.missing.length ? 'part' : 'yes', {missing: packet.missing.length});
  }

  /** Fetch the packet when it is old or `now`; one at a time. */
  function refresh(now = false) {
    running = running || fetched(now).catch(e => console.warn(e)).then(() => { running = null; });
    return running;
  }

  async function fetched(now) {
    const url = document.body.dataset.packet;
    if (!url || !able() || !await nc.shelf.enter(account())) return verdict();
    const [packet] = await nc.shelf.get('packet:' + account());
    const fresh = packet && packet.day === nc.shelf.local() && Date.now() - packet.at < HALF_HOUR;
    if ((now || !fresh) && navigator.onLine) {
      const answer = await fetch(url, {credentials: 'same-origin', redirect: 'manual', cache: 'no-store'}).catch(() => null);
      if (answer && answer.ok && /json/.test(answer.headers.get('Content-Type'))) await nc.shelf.fill(await answer.json());
    }
    return verdict();
  }

  /** Do `deed` first, then send the form as it would have gone. */
  function before(selector, deed) {
    document.addEventListener('submit', async e => {
      const form = e.target;
      if (!form.matches || !form.matches(selector) || e.defaultPrevented || !able()) return;
      e.preventDefault();
      await Promise.race([deed(form), new Promise(done => setTimeout(done, 5000))]).catch(err => console.warn(err));
      HTMLFormElement.prototype.submit.call(form);
    });
  }
  before('form[data-pin]', form => nc.shelf.arm(form.elements.pin.value));
  before('form[data-sign-out]', () => nc.shelf.wipe(account()));

  document.addEventListener('submit', async e => {
    const form = e.target;
    if (!form.matches || !form.matches('form[data-unlock]')) return;
    e.preventDefault();
    const {open, left} = await nc.shelf.unlock(form.elements.pin.value);
    if (open) return location.reload();
    form.reset();
    document.querySelectorAll('[data-unlock-gone]').forEach(el => { el.hidden = open !== null && left > 0; });
    document.querySelectorAll('[data-unlock-wrong]').forEach(el => { el.hidden = open === null || left <= 0; });
    document.querySelectorAll('[data-unlock-left]').forEach(el => { el.textContent = left; });
  });

  function start() {
    const at = document.body.dataset.keptAt;
    document.querySelectorAll('[data-kept-page]').forEach(el => { el.hidden = !at; });
    document.querySelectorAll('[data-kept-time]').forEach(el => { el.textContent = at ? new Date(+at).toTimeString().slice(0, 5) : ''; });
    if (!document.body.dataset.packet) return;
    verdict().catch(e => console.warn(e));
    if (!at) refresh();
  }

  addEventListener('online', () => refresh());
  if (navigator.serviceWorker) navigator.serviceWorker.addEventListener('controllerchange', () => start());
  document.addEventListener('visibilitychange', () => document.hidden || start());
  nc.packet = {start, refresh};
  if (document.readyState !== 'loading') start();   // it comes after the others
})();
