/* Starts everything, now and after each htmx settle; every start may run twice.
   <meta name="csrf-token"> goes into htmx requests; <body data-worker="/sw.js"> registers the worker, and a new one is
   told {take: true} only while no form is dirty. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.started) return;
  nc.started = true;
  const PARTS = ['keep', 'overlay', 'draft', 'place', 'scale', 'net', 'send'];

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

  async function worker() {
    const url = document.body.dataset.worker;
    if (!url || !('serviceWorker' in navigator)) return;
    const registration = await navigator.serviceWorker.register(url, {scope: '/'});
    if (registration.waiting && !nc.draft.dirty()) registration.waiting.postMessage({take: true});
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  }

  function begin() {
    start(document);
    worker().catch(e => console.warn(e));
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin);
  else begin();
})();
