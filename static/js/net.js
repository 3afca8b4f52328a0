/* [data-offline hidden]: the strip "没网了". Shown while the browser says offline or the last sending got no answer;
   nc.net.gone() tells others. In it [data-keyed hidden] is said by a phone that can keep records for <body data-account>,
   [data-keyless] by all others. [data-unkeyed hidden]: shown by a phone that could once and has lost its key. [data-trouble="net|server" hidden]: shown when htmx got no answer, or an
   unexpected one; hidden again by the next good answer. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.net) return;
  const net = nc.net = {cut: false, gone: () => !navigator.onLine || net.cut, start};
  const every = (name, on) => document.querySelectorAll(`[data-${name}]`).forEach(el => { el.hidden = !on; });
  const show = () => every('offline', net.gone());

  /** Say only what is so: whether this phone can keep. */
  async function start() {
    show();
    const {account} = document.body.dataset;
    if (!account || !nc.outbox || !self.indexedDB) return;
    const keyed = !!await nc.keys.of(account).catch(() => null);
    every('keyed', keyed);
    every('keyless', !keyed);
    every('unkeyed', !keyed && await nc.spare.had(account));
  }

  const trouble = kind => document.querySelectorAll('[data-trouble]').forEach(el => { el.hidden = el.dataset.trouble !== kind; });

  addEventListener('online', () => { net.cut = false; show(); });
  addEventListener('offline', show);
  if (nc.outbox) {
    nc.outbox.heard(news => {
      if (!('online' in news)) return;
      net.cut = !news.online;
      show();
    });
  }
  document.addEventListener('htmx:sendError', e => { if (!e.detail.elt.closest('[data-quiet]')) trouble('net'); });   // asked by nobody
  document.addEventListener('htmx:timeout', () => trouble('net'));
  document.addEventListener('htmx:responseError', () => trouble('server'));
  document.addEventListener('htmx:afterOnLoad', e => { if (e.detail.successful) trouble(''); });
})();
