/* Which request is answered how. Files: from the shell. Pages: from the network, and from the shelf when the network gives
   none in time. Everything else (records, photos, pieces, live streams, other hosts) goes its own way, untouched. */
(() => {
  const nc = self.nc = self.nc || {}, PATIENCE = 4000, TRY = {};

  const after = ms => new Promise(done => setTimeout(done, ms, TRY));

  function answer(request) {
    const url = new URL(request.url);
    if (url.origin !== location.origin) return null;
    if (request.method === 'GET' && url.pathname.startsWith('/assets/')) return nc.shell.asset(request);
    if (request.mode === 'navigate') return request.method === 'GET' ? page(request, url) : post(request);
    if (request.method === 'GET' && request.destination === 'image') return picture(request, url);
    return null;
  }

  async function page(request, url) {
    const asked = network(request), kept = await nc.shelf.read(url.pathname).catch(() => null);
    const first = await (kept ? Promise.race([asked, after(PATIENCE)]) : asked);
    if (first.ours) return first.got;
    const own = kept && await nc.pages.of(url).catch(() => null);
    return own || (first === TRY ? await asked : first).got || nc.shell.page('/offline');
  }

  /** {got, ours}: what the network answered, if anything; `ours` when it is our server's sound answer (a hotel's page is not). */
  async function network(request) {
    let got;
    try { got = await fetch(request); } catch (e) { return {}; }
    if (got.type === 'opaqueredirect' || got.redirected) return {got, ours: true};   // the browser's to follow
    const reader = got.headers.get('X-Reader');
    if (reader) await nc.shelf.named(reader).catch(() => {});
    return {got, ours: reader && got.status < 500 || anybodys(request)};
  }

  // Cards are opened by strangers and by readers alike; whatever answers there is shown.
  const anybodys = request => /^\/(c|up|docs)\//i.test(new URL(request.url).pathname);

  /** A form that is not kept (signing out, a setting) needs the network; what was typed is still there behind "back". */
  const post = request => fetch(request).catch(() => nc.shell.page('/offline'));

  const picture = (request, url) => fetch(request).catch(async e => {
    const own = await nc.pages.of(url).catch(() => null);
    if (own) return own;
    throw e;
  });

  nc.routes = {answer};
})();
