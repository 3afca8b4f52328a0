/* The device key: ECDSA P-256, made here and never readable, one per browser and account, in IndexedDB.
   nc.keys.fresh()            the key waiting to be enrolled {jwk, gen}; the same one until it is adopted,
                              so that an enrolment whose answer was lost can be repeated
   nc.keys.adopt({account, device}) after POST /devices; nc.keys.of(account) -> {account, device, gen, jwk, key} or undefined
   nc.keys.sign(key, hash)    base64url of the raw signature of the 32 hash bytes
   Needs no markup. */
(() => {
  const nc = self.nc = self.nc || {};
  const EC = {name: 'ECDSA', namedCurve: 'P-256'};

  async function fresh() {
    const known = await nc.outbox.use(db => db.get('meta', 'device:new'));
    if (known) return known;
    const pair = await crypto.subtle.generateKey(EC, false, ['sign', 'verify']);
    const {kty, crv, x, y} = await crypto.subtle.exportKey('jwk', pair.publicKey);
    // Minutes since 1970: a wiped and enrolled-again browser never repeats a generation.
    const made = {key: pair.privateKey, jwk: {kty, crv, x, y}, gen: Math.floor(Date.now() / 60000)};
    await nc.outbox.use(db => db.put('meta', made, 'device:new'));
    return made;
  }

  const adopt = answer => nc.outbox.use(async db => {
    const tx = db.transaction('meta', 'readwrite', {durability: 'strict'});
    const made = await tx.store.get('device:new');
    tx.store.put(Object.assign(made, {account: answer.account, device: answer.device}), 'device:' + answer.account);
    tx.store.delete('device:new');
    if (answer.beacon) tx.store.put(answer.beacon, 'beacon');
    // A known epoch stays: only a receipt may change it, because then everything is offered again.
    if (answer.epoch && await tx.store.get('epoch') === undefined) {
      tx.store.put(answer.epoch, 'epoch');
      tx.store.put(answer.backup_seq || 0, 'backup_seq');
    }
    await tx.done;
    await nc.spare.has(answer.account);
  });

  const of = account => nc.outbox.use(db => db.get('meta', 'device:' + account));

  const sign = async (key, hash) =>
    nc.canonical.b64url(new Uint8Array(await crypto.subtle.sign({name: 'ECDSA', hash: 'SHA-256'}, key, hash)));

  nc.keys = {fresh, adopt, of, sign};
})();
