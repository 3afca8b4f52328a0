/* Live pages through htmx's sse extension: <main hx-ext="sse,morph" sse-connect="/live?topic=roster" data-live>, pieces in it
   with hx-get="/piece" hx-trigger="sse:roster". On every opening each piece is fetched (a change made while reconnecting is
   otherwise missed). A hidden page closes its stream after five seconds: browsers give one site six connections. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.live || !self.htmx || !self.EventSource) return;
  const make = url => new EventSource(url, {withCredentials: true}), sources = new Set();
  let bell = 0;

  htmx.createEventSource = url => {
    const source = make(url);
    sources.add(source);
    return source;
  };

  document.addEventListener('htmx:sseOpen', e => {
    e.target.querySelectorAll('[hx-get][hx-trigger*="sse:"]').forEach(piece => {
      htmx.ajax('GET', piece.getAttribute('hx-get'), {source: piece, target: piece, swap: piece.getAttribute('hx-swap') || 'innerHTML'}).catch(() => {});
    });
  });

  document.addEventListener('visibilitychange', () => {
    clearTimeout(bell);
    if (document.hidden) bell = setTimeout(() => sources.forEach(source => source.close()), 5000);
    else {
      for (const source of Array.from(sources)) {
        if (source.readyState !== EventSource.CLOSED) continue;
        sources.delete(source);
        if (source.onerror) source.onerror(new Event('error'));   // the extension's own way of connecting again
      }
    }
  });

  nc.live = {sources};
})();
