/* A second copy of what this phone alone holds, each record and photo a file of its own in the cache 'nuanchao-spare'.
   A browser killed in the midst of writing may find its database torn at the next start, and begin it anew, empty:
   then outbox.js asks for everything back. Signed when they were made, the records need no key to go out.
   What the server has whole, photos and all, is dropped here at once. Needs no markup. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.spare) return;
  const PATIENCE_MS = 3000, NAME = 'nuanchao-spare', RECORD = '/spare/record/', PHOTO = '/spare/photo/', KEY = '/spare/key/';
  /** Run deed(cache); without a cache, or with a full one, there is no second copy and nothing else changes. */
  const use = async deed => {
    if (!self.caches) return null;
    try { return await deed(await caches.open(NAME)); } catch (e) { console.warn(e); return null; }
  };

  /** The same, for what somebody waits for: a cache that does not answer is let be. `first`: what comes before the deed. */
  const soon = (deed, first) => Promise.race([use(deed),
    Promise.resolve(first).then(() => new Promise(done => setTimeout(done, PATIENCE_MS, null)))]);

  /** Lay a record aside, its photos first: a copy that is there is whole. `written`: a promise that the record itself is
      written, before which there is no copy of it; opening the cache need not wait for that. */
  const keep = (record, photos, written) => soon(async cache => {
    await written;
    await Promise.all(photos.map(({sha256, type, data}) => cache.put(PHOTO + sha256, new Response(data, {headers: {'Content-Type': type}}))));
    await cache.put(RECORD + record.id, new Response(JSON.stringify(record)));
  }, written);

  /** The ids of the records that are laid aside; null without a cache. */
  const laid = () => soon(async cache => new Set((await cache.keys()).map(request => new URL(request.url).pathname)
    .filter(path => path.startsWith(RECORD)).map(path => path.slice(RECORD.length))));

  const drop = id => use(cache => cache.delete(RECORD + id));
  const dropPhoto = sha256 => use(cache => cache.delete(PHOTO + sha256));

  /** That this phone has a key for an account, and whether it ever had one. */
  const has = account => use(cache => cache.put(KEY + account, new Response('')));
  const had = async account => !!await use(cache => cache.match(KEY + account));

  /** Put everything that was laid aside into a new, empty database. */
  const back = db => use(async cache => {
    const photos = [], rows = [];
    for (const request of await cache.keys()) {
      const path = new URL(request.url).pathname, answer = await cache.match(request);
      if (path.startsWith(RECORD)) rows.push(await answer.json());
      if (path.startsWith(PHOTO)) photos.push({sha256: path.slice(PHOTO.length), type: answer.headers.get('Content-Type'), data: await answer.blob(), state: 'queued'});
    }
    if (!rows.length && !photos.length) return;
    const named = new Set(rows.flatMap(row => row.envelope.photos.map(photo => photo.sha256)));
    const tx = db.transaction(['meta', 'envelopes', 'photos'], 'readwrite', {durability: 'strict'}), meta = tx.objectStore('meta');
    for (const photo of photos.filter(each => named.has(each.sha256))) tx.objectStore('photos').put(Object.assign(photo, {size: photo.data.size}));
    for (const row of rows) {
      const {device, gen, dseq} = row.envelope, counter = `dseq:${device}:${gen}`;
      tx.objectStore('envelopes').put(Object.assign(row, {state: 'queued', why: '', tries: 0, next_at: 0, receipt: null}));
      meta.put(Math.max(dseq, await meta.get(counter) || 0), counter);
      meta.put(Math.max(row.n, await meta.get('n') || 0), 'n');
    }
    await tx.done;
    await Promise.all(photos.filter(each => !named.has(each.sha256)).map(each => dropPhoto(each.sha256)));
  });

  nc.spare = {keep, laid, drop, dropPhoto, has, had, back};
})();
