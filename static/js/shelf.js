/* The pages a phone keeps for a day without network: sealed under a key that the PIN opens, one shelf per account.
   Stores (in 'nuanchao', see outbox.js): pages {account, path, day, sealed}; meta:
     reader             {account} whose shelf is served
     lock:<account>     {salt, iv, wrapped, tries}     the shelf's key, wrapped by the PIN
     open:<account>     {key, at, used}                the key while it is open; at: when the PIN was given
     pin                {salt, wrap}                   a PIN just typed, waiting until the server has let it in
     packet:<account>   {at, day, until, paths, missing, shared, lock, headers}
   Runs in pages and in the worker. Needs no markup. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.shelf) return;
  const DAY = 86400000, TRIES = 10, ROUNDS = 300000, LAST = 7 * DAY;   // a packet of a week ago opens nothing any more
  const STRICT = {durability: 'strict'}, AES = {name: 'AES-GCM', length: 256};

  const bytes = text => new TextEncoder().encode(text);
  const random = n => crypto.getRandomValues(new Uint8Array(n));
  const today = (at = Date.now()) => new Date(at).toDateString();
  const get = (...names) => nc.outbox.use(db => Promise.all(names.map(name => db.get('meta', name))));
  const set = facts => nc.outbox.use(async db => {
    const tx = db.transaction('meta', 'readwrite', STRICT);
    for (const [name, value] of Object.entries(facts)) value === undefined ? tx.store.delete(name) : tx.store.put(value, name);
    await tx.done;
  });

  async function wrapping(pin, salt) {
    const known = await crypto.subtle.importKey('raw', bytes(pin), 'PBKDF2', false, ['deriveKey']);
    return crypto.subtle.deriveKey({name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ROUNDS}, known, AES, false, ['wrapKey', 'unwrapKey']);
  }

  const unwrap = ({iv, wrapped}, wrap) =>
    crypto.subtle.unwrapKey('raw', wrapped, wrap, {name: 'AES-GCM', iv}, AES, false, ['encrypt', 'decrypt']);

  /** A PIN was typed on the way to the server: remember what it can open, not the PIN. */
  async function arm(pin) {
    const [reader] = await get('reader'), [lock] = await get('lock:' + (reader || {}).account);
    const salt = lock ? lock.salt : random(16);
    await set({pin: {salt, wrap: await wrapping(pin, salt)}});
  }

  /** The server has let `account` in. Opens its shelf with the PIN typed a moment ago; another PIN than last time begins
      a new, empty shelf. Says whether the shelf is open. */
  async function enter(account) {
    const [pin, lock, open] = await get('pin', 'lock:' + account, 'open:' + account);
    if (!pin) return !!open;
    const fresh = {pin: undefined, reader: {account}};
    const key = lock && await unwrap(lock, pin.wrap).catch(() => null);
    if (key) fresh['lock:' + account] = Object.assign(lock, {tries: 0});
    else await wipe(account);
    const made = key || await crypto.subtle.generateKey(AES, true, ['encrypt', 'decrypt']);
    if (!key) {
      const iv = random(12), wrapped = await crypto.subtle.wrapKey('raw', made, pin.wrap, {name: 'AES-GCM', iv});
      fresh['lock:' + account] = {salt: pin.salt, iv, wrapped, tries: 0};
      fresh['open:' + account] = {key: await unwrap({iv, wrapped}, pin.wrap), at: Date.now(), used: Date.now()};
    } else fresh['open:' + account] = {key, at: Date.now(), used: Date.now()};
    await set(fresh);
    return true;
  }

  /** Open the reader's shelf without network: true, false (wrong PIN; `left` tries), or null when there is nothing to open. */
  async function unlock(pin) {
    const [reader] = await get('reader'), account = (reader || {}).account, [lock] = await get('lock:' + account);
    if (!lock) return {open: null};
    await set({['lock:' + account]: Object.assign(lock, {tries: lock.tries + 1})});   // counted before it is tried
    const key = await unwrap(lock, await wrapping(pin, lock.salt)).catch(() => null);
    if (key) {
      await set({['lock:' + account]: Object.assign(lock, {tries: 0}), ['open:' + account]: {key, at: Date.now(), used: Date.now()}});
      return {open: true};
    }
    if (lock.tries >= TRIES) await wipe(account);
    return {open: false, left: TRIES - lock.tries};
  }

  /** Forget everything `account` could read here. What it has recorded stays and goes on being sent. */
  const wipe = account => nc.outbox.use(async db => {
    const tx = db.transaction(['pages', 'meta'], 'readwrite', STRICT), meta = tx.objectStore('meta');
    for (const key of await tx.objectStore('pages').getAllKeys(IDBKeyRange.bound([account], [account, []]))) tx.objectStore('pages').delete(key);
    for (const name of ['lock:', 'open:', 'packet:']) meta.delete(name + account);
    const reader = await meta.get('reader');
    if (reader && reader.account === account) meta.delete('reader');
    await tx.done;
  });

  const seal = async (key, account, path, what) => {
    const iv = random(12), additionalData = bytes(account + ' ' + path);
    return {iv, data: await crypto.subtle.encrypt({name: 'AES-GCM', iv, additionalData}, key, bytes(JSON.stringify(what)))};
  };

  /** Put a packet (GET /today/packet) on its shelf, instead of what was there. Says whether the shelf was open. */
  async function fill(packet) {
    const {account} = packet, [open] = await get('open:' + account);
    if (!open) return false;
    const rows = [];
    if (packet.seal && nc.copies) await nc.copies.learn(packet.seal);
    for (const {path, day, hold, html, private: inner} of packet.pages) {
      rows.push({account, path: path + (day ? ' ' + day : ''), sealed: await seal(open.key, account, path, {html, hold, inner})});
    }
    for (const {path, type, data} of packet.pictures) rows.push({account, path, sealed: await seal(open.key, account, path, {type, data})});
    const facts = {at: Date.now(), day: packet.day, until: packet.until, paths: rows.map(row => row.path), missing: packet.missing,
      shared: packet.shared, lock: packet.lock, headers: packet.headers};
    await nc.outbox.use(async db => {
      const tx = db.transaction(['pages', 'meta'], 'readwrite', STRICT), pages = tx.objectStore('pages');
      for (const key of await pages.getAllKeys(IDBKeyRange.bound([account], [account, []]))) pages.delete(key);
      rows.forEach(row => pages.put(row));
      tx.objectStore('meta').put(facts, 'packet:' + account);
      tx.objectStore('meta').put({account}, 'reader');
      await tx.done;
    });
    return true;
  }

  /** Work is never interrupted by a lock: an arrival of the last twelve hours on this phone without its leaving. */
  async function working(account) {
    const made = (await nc.outbox.forAccount(account)).filter(row => row.makes && Date.now() - Date.parse(row.envelope.made_at) < DAY / 2);
    const last = new Map(made.map(row => [row.chain, row.makes]));
    return Array.from(last.values()).includes('open');
  }

  /** Whether the PIN must be given again, as the server would ask: once a day; shared phones after some idle minutes; private pages sooner. */
  async function due(account, open, packet, inner) {
    const idle = Date.now() - open.used, age = Date.now() - open.at;
    const late = today(open.at) !== today() || packet.shared && idle > packet.lock.idle_minutes * 60000
      || inner && age > packet.lock.private_minutes * 60000;
    return late && !await working(account);
  }

  const local = () => { const d = new Date(); return new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 10); };

  /** What the reader's shelf has for `path`: {html, hold, headers, at}, {type, data}, {locked: true}, or null. */
  async function read(path) {
    const [reader] = await get('reader');
    if (!reader) return null;
    const {account} = reader, [open, packet] = await get('open:' + account, 'packet:' + account);
    if (!packet) return null;
    if (Date.now() - packet.at > LAST) {
      await wipe(account);
      return null;
    }
    const row = await nc.outbox.use(async db => await db.get('pages', [account, path + ' ' + local()]) || await db.get('pages', [account, path]));
    if (!row) return null;
    if (!open) return {locked: true};
    const data = await crypto.subtle.decrypt({name: 'AES-GCM', iv: row.sealed.iv, additionalData: bytes(account + ' ' + path)}, open.key, row.sealed.data);
    const what = JSON.parse(new TextDecoder().decode(data));
    if (what.html && await due(account, open, packet, what.inner)) return {locked: true};
    if (what.html) await set({['open:' + account]: Object.assign(open, {used: Date.now()})});
    return Object.assign(what, {headers: packet.headers, at: packet.at});
  }

  /** A page of our server named its reader (X-Reader): another one, or none any more, ends the shelf that was served. */
  async function named(account) {
    const [reader] = await get('reader');
    if (!account || reader && reader.account === account) return;
    if (account === 'none') {
      if (reader) await wipe(reader.account);
    } else await set({reader: {account}});
  }

  nc.shelf = {arm, enter, unlock, wipe, fill, read, named, get, local};
})();
