/* Whole pages from the reader's shelf, with what only the phone knows filled in: which visit, which page to go back to. */
(() => {
  const nc = self.nc = self.nc || {};
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, OURS = /^\/[\w\-./?=&%]*$/;

  const escaped = text => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
  const every = (html, word, value) => html.split(word).join(value);

  /** The page of `url`, a redirect to it with a visit minted, the lock page, or null when the shelf has none. */
  async function of(url) {
    const kept = await nc.shelf.read(url.pathname);
    if (!kept) return null;
    if (kept.locked) return nc.shell.page('/locked');
    if (kept.data) return new Response(Uint8Array.from(atob(kept.data), c => c.charCodeAt(0)), {headers: {'Content-Type': kept.type}});
    const {visit: hold, next} = kept.hold, asked = url.searchParams;
    let html = kept.html;
    if (hold && !next && !UUID.test(asked.get('visit'))) {
      // A visit's own page: the visit it is about stands in the address from here on, and survives a reload.
      const there = new URL(url);
      there.searchParams.set('visit', nc.canonical.uuid7());
      return Response.redirect(there.href, 302);
    }
    if (hold) html = every(html, hold, UUID.test(asked.get('visit')) ? asked.get('visit') : '');
    if (next) html = every(every(html, encodeURIComponent(next), encodeURIComponent(back(asked, url))), next, escaped(back(asked, url)));
    html = html.replace('<body', `<body data-kept-at="${kept.at}"`);
    return new Response(html, {headers: Object.assign({'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store'}, kept.headers)});
  }

  const back = (asked, url) => {
    const wish = asked.get('next') || '';
    return OURS.test(wish) && !wish.startsWith('//') ? wish : url.pathname.endsWith('/nobody') ? '/' : url.pathname.replace(/\/(spend|receive)$/, '');
  };

  nc.pages = {of};
})();
