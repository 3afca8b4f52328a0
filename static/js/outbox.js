/* What this phone keeps, in IndexedDB 'nuanchao' (changes are only ever additive):
   meta       device keys, counters, epoch, beacon, backup_seq
   envelopes  {id, n, author, chain, household, kind, title, makes, adds, envelope, state, why, tries, next_at, receipt, delivered_at}
   photos     {sha256, type, size, data, state};  drafts {key, at, values};  pages: see shelf.js
   An envelope is queued -> sending -> delivered | waiting (the server has it, its predecessor is missing)
   | held (a person must look: with a receipt the server has it, without one the phone still has the only copy);
   a sealed copy (copies.js) that is to be offered again is first 'reoffer'.
   nc.outbox.heard(fn) calls fn for every change, in this tab or another. Needs no markup. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.outbox) return;
  const DAY = 86400000, STRICT = {durability: 'strict'};
  // A receipt that is final needs no more asking, whatever its state: somebody has decided.
  const AT_SERVER = {applied: 'delivered', waiting: 'waiting', quarantined: 'held', conflict: 'held'};
  const AGAIN = {waiting: 10 * 60000, held: 6 * 3600000};   // when to ask how the server sees it by now
  let opening = null;

  let anew = false;

  const open = () => opening = opening || idb.openDB('nuanchao', 2, {
    upgrade(db, old) {
      anew = !old;
      if (old < 2) db.createObjectStore('pages', {keyPath: ['account', 'path']});
      if (old) return;
      db.createObjectStore('meta');
      const envelopes = db.createObjectStore('envelopes', {keyPath: 'id'});
      for (const name of ['state', 'chain', 'household']) envelopes.createIndex(name, name);
      db.createObjectStore('photos', {keyPath: 'sha256'}).createIndex('state', 'state');
      db.createObjectStore('drafts', {keyPath: 'key'});
    },
    blocking(_now, _next, event) { event.target.close(); opening = null; },
    terminated() { opening = null; }
  }).then(async db => {
    if (anew) await nc.spare.back(db);   // torn and begun anew by the browser, or simply new
    else beside(db).catch(console.warn);
    anew = false;
    return db;
  }).catch(e => { opening = null; throw e; });

  /** Run deed(db); a connection that died in the background (iOS) is opened once more. */
  async function use(deed) {
    try {
      return await deed(await open());
    } catch (e) {
      if (e.name !== 'InvalidStateError') throw e;
      opening = null;
      return deed(await open());
    }
  }

  const channel = self.BroadcastChannel && new BroadcastChannel('nuanchao');
  const ears = [];
  const heard = fn => ears.push(fn);
  const hear = news => ears.forEach(fn => { try { fn(news); } catch (e) { console.warn(e); } });
  if (channel) channel.onmessage = e => hear(e.data);
  function tell(news) {
    hear(news);
    if (channel) channel.postMessage(news);
  }

  const inOrder = rows => rows.sort((a, b) => a.n - b.n);

  /** Seal one act and write it; resolves after the transaction is complete, to the record. Rejects with NoKey where the author has none.
      act: {author, app, kind, schema, chain, household, body, photos [{field, sha256, size, type, data}], title, makes, adds, id, draft}.
      Sealing is asynchronous: without the lock two quick taps would share a dseq. */
  const keep = act => navigator.locks.request('keep', () => use(async db => {
    const looked = db.transaction(['meta', 'envelopes']), meta = looked.objectStore('meta'), kept = looked.objectStore('envelopes');
    const [known, device, n = 0, beacon = null, acts] = await Promise.all([kept.get(act.id), meta.get('device:' + act.author),
      meta.get('n'), meta.get('beacon'), act.chain ? kept.index('chain').getAll(act.chain) : []]);
    if (known) return known;
    if (!device) throw Object.assign(new Error(act.author), {name: 'NoKey'});
    const counter = `dseq:${device.device}:${device.gen}`, dseq = await meta.get(counter) || 0;
    const before = inOrder(acts).pop();
    const envelope = {
      v: 1, id: act.id, kind: act.kind, schema: act.schema, app: act.app, author: act.author,
      device: device.device, gen: device.gen, dseq: dseq + 1, chain: act.chain || null, prev: before ? before.id : null,
      made_at: new Date().toISOString(), mono_ms: Math.round(performance.now()), beacon, body: act.body,
      photos: act.photos.map(({field, sha256, size, type}) => ({field, sha256, size, type}))
    };
    const hash = await nc.canonical.digest(envelope);
    envelope.hash = nc.canonical.hex(hash);
    envelope.sig = await nc.keys.sign(device.key, hash);
    const record = {
      id: act.id, n: n + 1, author: act.author, chain: envelope.chain, household: act.household || null, kind: act.kind,
      title: act.title, makes: act.makes, adds: act.adds, envelope, state: 'queued', why: '', tries: 0, next_at: 0, receipt: null
    };
    const tx = db.transaction(['meta', 'envelopes', 'photos', 'drafts'], 'readwrite', STRICT);
    tx.objectStore('meta').put(dseq + 1, counter);
    tx.objectStore('meta').put(n + 1, 'n');
    tx.objectStore('envelopes').add(record);
    for (const {sha256, size, type, data} of act.photos) {
      // Never put over one that is there: it may be half sent.
      if (!await tx.objectStore('photos').getKey(sha256)) tx.objectStore('photos').put({sha256, size, type, data, state: 'queued'});
    }
    if (act.draft) tx.objectStore('drafts').delete(act.draft);
    // Without the copy a torn database would take with it what was shown as saved.
    await Promise.all([tx.done, nc.spare.keep(record, act.photos, tx.done)]);
    return record;
  })).then(record => {
    setTimeout(() => {   // 手机已存 is shown first
      settled(record.id);
      tell({kept: record.id, chain: record.chain, household: record.household});
    });
    return record;
  });

  /** Lay aside what is only in `db`: the browser was killed between the record and its copy. */
  async function beside(db) {
    const laid = await nc.spare.laid();
    for (const state of laid ? ['queued', 'sending', 'held'] : []) {
      for (const row of await db.getAllFromIndex('envelopes', 'state', state)) {
        if (row.receipt || laid.has(row.id)) continue;
        const photos = await Promise.all(row.envelope.photos.map(({sha256}) => db.get('photos', sha256)));
        await nc.spare.keep(row, photos.filter(Boolean));
        settled(row.id);
      }
    }
  }

  /** The copy beside is not needed once the server has the record and its photos; it may have been faster than the copy. */
  const settled = id => use(async db => {
    const row = await db.get('envelopes', id), photos = row ? row.envelope.photos : [];
    const left = await Promise.all(photos.map(({sha256}) => db.get('photos', sha256)));
    if (!row || row.receipt && !left.some(photo => photo && photo.state === 'queued')) await nc.spare.drop(id);
  });

  const change = (store, key, patch) => use(async db => {
    const tx = db.transaction(store, 'readwrite');
    const row = await tx.store.get(key);
    if (row) tx.store.put(Object.assign(row, patch));
    await tx.done;
  });

  /** Write down a receipt that was checked against id and hash. A new epoch means the server was restored
      from a backup: everything it once had is offered again. */
  const settle = (id, receipt) => use(async db => {
    const tx = db.transaction(['meta', 'envelopes', 'photos'], 'readwrite', STRICT);
    const meta = tx.objectStore('meta'), envelopes = tx.objectStore('envelopes');
    const row = await envelopes.get(id);
    if (!row) return;
    const epoch = await meta.get('epoch'), state = receipt.final ? 'delivered' : AT_SERVER[receipt.state];
    let flush = epoch !== undefined && epoch !== receipt.epoch;
    if (flush) await reoffer(tx, receipt.epoch);
    Object.assign(row, {delivered_at: row.receipt ? row.delivered_at : Date.now(), receipt, state, why: '', tries: 0, next_at: Date.now() + (AGAIN[state] || 0)});
    envelopes.put(row);
    for (const name of ['epoch', 'beacon', 'backup_seq']) meta.put(receipt[name], name);
    if (row.chain && state !== 'waiting') {
      for (const next of await envelopes.index('chain').getAll(row.chain)) {
        if (next.state !== 'waiting') continue;
        flush = true;
        envelopes.put(Object.assign(next, {next_at: 0}));
      }
    }
    await tx.done;
    settled(id);
    tell({settled: id, chain: row.chain, household: row.household, flush});
  });

  async function reoffer(tx, epoch) {
    for (const row of await tx.objectStore('envelopes').getAll()) {
      if (!row.receipt || row.receipt.epoch === epoch) continue;
      tx.objectStore('envelopes').put(Object.assign(row, {state: row.sealed ? 'reoffer' : 'queued', next_at: 0, receipt: null}));
    }
    for (const photo of await tx.objectStore('photos').getAll()) {
      tx.objectStore('photos').put(Object.assign(photo, {state: photo.sealed ? 'sealed' : 'queued', begun: false}));
    }
  }

  /** Drop what the server holds in a backup: after 7 days, or after 30 in any case. Unsent work is never dropped. */
  const purge = () => use(async db => {
    const tx = db.transaction(['meta', 'envelopes', 'photos'], 'readwrite');
    const covered = await tx.objectStore('meta').get('backup_seq') || 0, named = new Set();
    const unsent = new Set(await tx.objectStore('photos').index('state').getAllKeys('queued'));
    for (const row of await tx.objectStore('envelopes').getAll()) {
      const age = Date.now() - row.delivered_at, whole = !row.envelope.photos.some(p => unsent.has(p.sha256));
      if (whole && row.state === 'delivered' && (age > 30 * DAY || age > 7 * DAY && row.receipt.seq <= covered)) tx.objectStore('envelopes').delete(row.id);
      else row.envelope.photos.forEach(p => named.add(p.sha256));
    }
    const needless = (await tx.objectStore('photos').getAllKeys()).filter(sha256 => !named.has(sha256));
    for (const sha256 of needless) tx.objectStore('photos').delete(sha256);
    await tx.done;
    await Promise.all(needless.map(nc.spare.dropPhoto));
  });

  /** Every envelope on this phone, in the order they were made; of one state, chain or household. */
  const list = async (index, value) =>
    inOrder(await use(db => index ? db.getAllFromIndex('envelopes', index, value) : db.getAll('envelopes')));
  const forAccount = async account => (await list()).filter(row => row.author === account);
  /** Those the server has not acknowledged: this phone holds the only copy. */
  const unsent = async () => (await Promise.all(['queued', 'sending', 'held'].map(state => list('state', state))))
    .reduce((all, rows) => all.concat(rows)).filter(row => row.state !== 'held' || !row.receipt);
  const count = async () => (await unsent()).length;

  nc.outbox = {use, heard, tell, keep, change, settle, settled, purge, list, forAccount, unsent, count};
})();
