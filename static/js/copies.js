/* What the station has already, sealed so that this phone cannot read it any more: a day after delivery, until a backup of the
   server covers it. The server hands out the sealing key with the packet (`seal`), usable here for sealing only; the same key,
   sealed by the server, lies beside each copy. Only when the server begins a new life (a restore: another epoch) does it open it
   again, for a signature of this phone's key; then everything is offered once more (outbox.js: state 'reoffer').
   nc.copies.learn(seal), tidy() after a round of sending, reopen() before one. Needs no markup. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.copies) return;
  const AES = {name: 'AES-GCM'}, LOT = 25;
  const copies = nc.copies = {after: 86400000, learn, tidy, reopen};
  const bytes = text => new TextEncoder().encode(text);
  const raw = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));

  async function learn({key, wrapped}) {
    const made = await crypto.subtle.importKey('raw', raw(key), AES, false, ['encrypt']);
    await nc.outbox.use(db => db.put('meta', {key: made, wrapped}, 'seal'));
  }

  async function closed({key, wrapped}, data) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return {iv, wrapped, data: await crypto.subtle.encrypt({...AES, iv}, key, data)};
  }

  /** Seal what was delivered a day ago; a few at a time. */
  async function tidy() {
    const seal = await nc.outbox.use(db => db.get('meta', 'seal'));
    if (!seal) return;
    const old = (await nc.outbox.list('state', 'delivered')).filter(row => !row.sealed && Date.now() - row.delivered_at > copies.after);
    for (const row of old.slice(0, LOT)) {
      const {id, author, device, gen, dseq, made_at, photos} = row.envelope, sealed = await closed(seal, bytes(JSON.stringify(row.envelope)));
      await nc.outbox.change('envelopes', row.id, {sealed, adds: {}, envelope: {id, author, device, gen, dseq, made_at, photos, body: {}}});
      for (const {sha256} of photos) {
        const photo = await nc.outbox.use(db => db.get('photos', sha256));
        if (photo && photo.state === 'delivered' && photo.data) {
          await nc.outbox.change('photos', sha256, {data: null, sealed: await closed(seal, photo.data)});
        }
      }
    }
  }

  /** Open the copies that are to be offered again; those whose key the server does not give stay as they are. */
  async function reopen() {
    const waiting = await nc.outbox.list('state', 'reoffer'), keys = new Map();
    if (!waiting.length) return;
    for (const row of waiting) {
      const key = await keyOf(row, row.sealed.wrapped, keys);
      if (!key) continue;
      const envelope = JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({...AES, iv: row.sealed.iv}, key, row.sealed.data)));
      const photos = (await Promise.all(envelope.photos.map(({sha256}) => nc.outbox.use(db => db.get('photos', sha256))))).filter(photo => photo && photo.sealed);
      for (const photo of photos) await keyOf(row, photo.sealed.wrapped, keys);
      if (!photos.every(photo => keys.get(photo.sealed.wrapped))) continue;   // all of a record or nothing: its photos are found through it
      for (const {sha256, sealed} of photos) {
        await nc.outbox.change('photos', sha256, {state: 'queued', begun: false, sealed: null,
          data: await crypto.subtle.decrypt({...AES, iv: sealed.iv}, keys.get(sealed.wrapped), sealed.data)});
      }
      await nc.outbox.change('envelopes', row.id, {state: 'queued', next_at: 0, sealed: null, envelope});
    }
  }

  async function keyOf(row, wrapped, keys) {
    if (!keys.has(wrapped)) keys.set(wrapped, await asked(row, wrapped).catch(() => null));
    return keys.get(wrapped);
  }

  async function asked(row, wrapped) {
    const device = await nc.keys.of(row.author), hash = await nc.canonical.sha256(bytes(wrapped));
    const body = JSON.stringify({device: device.device, wrapped, sig: await nc.keys.sign(device.key, hash)});
    const answer = await fetch('/inbox/unseal', {method: 'POST', body, headers: {'Content-Type': 'application/json'}, credentials: 'same-origin', redirect: 'manual'});
    if (!answer.ok) return null;
    return crypto.subtle.importKey('raw', raw((await answer.json()).key), AES, false, ['decrypt']);
  }
})();
