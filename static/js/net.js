/* [data-offline hidden]: the strip "没网了。先存在手机里，有网自动交". Shown while the browser says offline or the last sending
   got no answer; nc.net.cut tells others. [data-trouble="net|server" hidden]: shown when htmx got no answer, or an
   unexpected one; hidden again by the next good answer. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.net) return;
  const net = nc.net = {cut: false, start: show};

  function show() {
    document.querySelectorAll('[data-offline]').forEach(el => { el.hidden = navigator.onLine && !net.cut; });
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
