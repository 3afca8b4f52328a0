/* Starts everything, now and after each htmx settle; every start may run twice.
   <meta name="csrf-token"> goes into htmx requests; <body data-worker="/sw.js"> registers the worker. When a new one waits,
   [data-update hidden] is shown; its button [data-update-now] lets it take over once nothing is being sent, unless a form is
   being written: then [data-update-first hidden] says so. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.started) return;
  nc.started = true;
  const PARTS = ['keep', 'overlay', 'draft', 'place', 'scale', 'net', 'send', 'packet'];

  function start(root) {
    for (const name of PARTS) {
      try {
        if (nc[name] && nc[name].start) nc[name].start(root);
      } catch (e) { console.warn(name, e); }   // one broken part must not stop the others
    }
  }

  document.addEventListener('htmx:configRequest', e => {
    const meta = document.querySelector('meta[name="csrf-token"]');
    if (meta) e.detail.headers['X-CSRFToken'] = meta.content;
  });
  document.addEventListener('htmx:afterSettle', () => start(document));

  const show = (name, on) => document.querySelectorAll(`[${name}]`).forEach(el => { el.hidden = !on; });

  async function worker() {
    const {worker: url} = document.body.dataset, had = navigator.serviceWorker && navigator.serviceWorker.controller;
    if (!url || !('serviceWorker' in navigator)) return;
    const registration = await navigator.serviceWorker.register(url, {scope: '/', updateViaCache: 'none'});
    const offer = () => show('data-update', !!(registration.waiting && had));
    offer();
    registration.addEventListener('updatefound', () => registration.installing.addEventListener('statechange', offer));
    let leaving = false;
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (!had || leaving || nc.draft.dirty()) return;
      leaving = true;
      location.reload();
    });
    document.addEventListener('click', async e => {
      if (!e.target.closest || !e.target.closest('[data-update-now]') || !registration.waiting) return;
      if (nc.draft.dirty()) return show('data-update-first', true);
      await navigator.locks.request('send', () => registration.waiting.postMessage({take: true}));
    });
    nc.outbox.heard(news => { if (news.kept && registration.sync) registration.sync.register('outbox').catch(() => {}); });
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  }

  /** The pages for a day without network: fetched after everything that this page itself needs. */
  function later() {
    const {offlinePart: url} = document.body.dataset;
    if (url && !nc.packet) document.head.appendChild(Object.assign(document.createElement('script'), {src: url}));
  }

  function begin() {
    start(document);
    if (document.readyState === 'complete') later();
    else addEventListener('load', later);
    worker().catch(e => console.warn(e));
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin);
  else {
    begin();   // at once: a tap must not wait for the bundles after this one
    if (document.readyState !== 'complete') document.addEventListener('DOMContentLoaded', () => start(document));   // and what those brought
  }
})();
