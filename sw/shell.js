/* The shell: style, scripts, icons, and the two pages that need no reader, in the cache 'shell-<version>'. */
(() => {
  const nc = self.nc = self.nc || {}, NAME = 'shell-' + VERSION;

  const lay = async () => (await caches.open(NAME)).addAll(SHELL.map(url => new Request(url, {cache: 'reload', credentials: 'same-origin'})));

  const clear = async () => {
    for (const name of await caches.keys()) if (name.startsWith('shell-') && name !== NAME) await caches.delete(name);
  };

  /** A file of the shell; one of another build is served from this build rather than not at all. */
  async function asset(request) {
    const here = await caches.open(NAME), known = await here.match(request.url);
    if (known) return known;
    try {
      return await fetch(request);
    } catch (e) {
      const name = new URL(request.url).pathname.replace(/^\/assets\/[^/]+\//, '');
      const same = SHELL.find(url => url.endsWith('/' + name));
      return (same && await here.match(same)) || Response.error();
    }
  }

  const page = async path => (await (await caches.open(NAME)).match(path)) || Response.error();

  nc.shell = {lay, clear, asset, page};
})();
