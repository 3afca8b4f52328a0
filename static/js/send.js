/* The one flusher: sends what the outbox holds to POST /inbox (several at once to /inbox/many), then photos to PUT /inbox/photos/<sha256>.
   Only a receipt that matches id and hash counts; everything else is kept and tried again, for ever.
   Tried at once after a keep, on start, `online`, visibility, every 60 s, and by any button [data-send-now]
   (aria-busy="true" while it works). nc.send.flush({press: true}) is what that button does. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.send) return;
  const MINUTE = 60000, HOUR = 60 * MINUTE, PIECE = 262144, MANY = 20, LARGE = 200000, STATES = ['applied', 'waiting', 'quarantined', 'conflict'];
  const HELD = {400: 'unreadable', 422: 'unreadable', 403: 'device', 413: 'big'};
  const send = nc.send = {limit: 30000, piece: PIECE, lot: MANY, flush, backoff, verdict};
  let many = true, running = false, pending = false, pressed = false, fails = 0, rest = 0, told = 0, timer = 0;

  /** Milliseconds to wait after so many disappointments: 1 s to 5 min, never two phones alike. */
  function backoff(n, random = Math.random()) {
    return Math.min(5 * MINUTE, 1000 * 2 ** Math.min(n, 20)) * (0.5 + random / 2);
  }

  async function flush({press = false, soon = false, asked = false} = {}) {
    if (!(self.isSecureContext && self.indexedDB && navigator.locks && crypto.subtle)) return;
    pending = true;
    pressed = pressed || press;
    if (press) rest = told = 0;
    if (soon) rest = 0;
    if (Date.now() < Math.max(rest, told)) return wake(Math.max(rest, told));
    await navigator.locks.request('send', {ifAvailable: true}, async lock => {
      // Whoever is sending goes round once more; one that was asked does not ask back, or two tabs would echo for ever.
      if (!lock) return running || asked || nc.outbox.tell({flush: true, press});
      running = true;
      try {
        while (pending) {
          pending = false;
          const all = pressed;
          pressed = false;
          await round(all);
        }
      } finally {
        running = false;
      }
    });
  }

  function wake(at) {
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(1000, at - Date.now()));
  }

  /** Go once through the outbox. A chain whose act did not get through is stepped over; the others go on. */
  async function round(all) {
    const stepped = new Set(), missed = [], todo = [];
    if (nc.copies) await nc.copies.reopen().catch(e => console.warn(e));
    let passed = 0, inarow = 0, soonest = Infinity;
    for (const row of await due()) {
      const chain = row.chain || row.id;
      if (stepped.has(chain)) continue;
      if (all || row.next_at <= Date.now()) {
        todo.push(row);
        continue;
      }
      soonest = Math.min(soonest, row.next_at);
      if (row.state !== 'held' && !row.receipt) stepped.add(chain);
    }
    stepped.clear();
    let ended = false;
    for (const lot of lots(todo)) {
      const rows = lot.filter(row => !stepped.has(row.chain || row.id));
      const outs = rows.length > 1 ? await offerMany(rows) : rows.length ? [await offer(rows[0])] : [];
      outs.forEach((out, n) => {
        if (out.skipped) return;
        if (out.receipt || out.held) {
          passed++;
          inarow = fails = rest = 0;
          return;
        }
        stepped.add(rows[n].chain || rows[n].id);
        missed.push(rows[n]);
        if (ended) return;
        inarow++;
        if (out.wait) told = Date.now() + out.wait;
        if (out.cut || out.wait || inarow > 1) {
          fails++;
          rest = Date.now() + backoff(fails);
          ended = true;
        }
      });
      if (ended) break;
    }
    for (const row of missed) {
      // Only a record that sticks while others pass is marked as stuck: the network is not its fault.
      const tries = row.tries + (passed ? 1 : 0), next_at = Date.now() + backoff(passed ? tries : fails);
      soonest = Math.min(soonest, next_at);
      await nc.outbox.change('envelopes', row.id, {tries, next_at, why: tries > 7 ? 'stuck' : row.why});
    }
    if (missed.length) nc.outbox.tell({tried: true});
    if (Math.max(rest, told) <= Date.now()) {
      if (!await photos()) rest = Date.now() + backoff(++fails);
      await nc.outbox.purge();
      if (nc.copies) await nc.copies.tidy().catch(e => console.warn(e));
    }
    nc.outbox.tell({online: !rest || rest < Date.now()});
    soonest = Math.max(Math.min(soonest, rest > Date.now() ? rest : Infinity), told);
    if (soonest < Infinity) wake(soonest);
  }

  async function due() {
    const rows = await Promise.all(['queued', 'sending', 'waiting', 'held'].map(state => nc.outbox.list('state', state)));
    return rows.reduce((all, some) => all.concat(some)).sort((a, b) => a.n - b.n);
  }

  /** Offer one envelope: {receipt}, {held} (kept here, the others go on), or later: {cut} or {wait: ms}. */
  async function offer(row) {
    const open = row.state === 'queued' || row.state === 'sending';
    if (open) {
      await nc.outbox.change('envelopes', row.id, {state: 'sending'});
      nc.outbox.tell({sending: row.id, chain: row.chain, household: row.household});
    }
    let out = {cut: true};
    try {
      out = await timed('/inbox', {method: 'POST', headers: await marks(open ? 1 : 0), body: JSON.stringify(row.envelope)},
        async answer => verdict(answer, await answer.text(), row.envelope));
    } catch (e) { /* no network, cut, or 30 s gone: the same to us */ }
    return heed(row, out);
  }

  /** What is sent together: up to MANY records, fewer on a line that was cut, or one by one where the server does not take several. */
  function lots(rows) {
    const found = [];
    let size = 0;
    for (const row of rows) {
      const more = JSON.stringify(row.envelope).length, last = found[found.length - 1];
      if (many && last && last.length < send.lot && size + more < LARGE) last.push(row);
      else {
        found.push([row]);
        size = 0;
      }
      size += more;
    }
    return found;
  }

  /** Offer several in one request; each has its own answer, as if it had gone alone. */
  async function offerMany(rows) {
    const open = rows.filter(row => row.state === 'queued' || row.state === 'sending');
    for (const row of open) await nc.outbox.change('envelopes', row.id, {state: 'sending'});
    nc.outbox.tell({sending: rows[0].id});
    let answers = null;
    try {
      answers = await timed('/inbox/many', {method: 'POST', headers: await marks(open.length), body: `{"envelopes":[${rows.map(row => JSON.stringify(row.envelope)).join()}]}`},
        async answer => {
          const json = /json/.test(answer.headers.get('Content-Type'));
          if (json && answer.status === 503) return {wait: pause(answer.headers.get('Retry-After'))};
          if (json && answer.status === 200) return (await answer.json()).answers;
          many = answer.status >= 500;
          return {none: true};
        });
    } catch (e) { /* no network, cut, or 30 s gone */ }
    send.lot = Array.isArray(answers) ? Math.min(MANY, send.lot * 2) : Math.max(1, Math.floor(send.lot / 4));
    if (Array.isArray(answers)) {
      const outs = [];
      for (const [n, row] of rows.entries()) outs.push(await heed(row, n < answers.length ? verdict(spoken(answers[n]), JSON.stringify(answers[n]), row.envelope) : {cut: true}));
      return outs;
    }
    if (answers && answers.none) {        // one by one: a server that takes no more, or one record among them makes it ill
      const outs = [], stuck = new Set();
      let cut = false;
      for (const row of rows) {
        const chain = row.chain || row.id, out = cut || stuck.has(chain) ? await heed(row, {skipped: true}) : await offer(row);
        outs.push(out);
        cut = cut || !!out.cut;
        if (!out.receipt && !out.held) stuck.add(chain);
      }
      return outs;
    }
    return Promise.all(rows.map(row => heed(row, answers || {cut: true})));
  }

  const spoken = ({status}) => ({status, headers: {get: name => name === 'Content-Type' ? 'application/json' : null}});

  const marks = async sending => ({'Content-Type': 'application/json', 'X-Sent-At': new Date().toISOString(),
    'X-Unsent': String(Math.max(0, await nc.outbox.count() - sending))});

  /** Write down what came of offering a record. */
  async function heed(row, out) {
    const open = row.state === 'queued' || row.state === 'sending';
    if (out.receipt) await nc.outbox.settle(row.id, out.receipt);
    else if (out.held && !row.receipt) {
      await nc.outbox.change('envelopes', row.id, {state: 'held', why: out.held, next_at: Date.now() + (out.held === 'device' ? 10 * MINUTE : HOUR)});
      nc.outbox.tell({settled: row.id, chain: row.chain, household: row.household});
    } else if (open) await nc.outbox.change('envelopes', row.id, {state: 'queued'});
    return out;
  }

  /** What an answer means (docs/protocol.md): {receipt}, {held: why}, {wait: ms} or {} for "not ours, again later". */
  function verdict(answer, text, envelope) {
    const json = /json/.test(answer.headers.get('Content-Type'));   // a hotel's 403 page says nothing about us
    if (HELD[answer.status] && (json || answer.status === 413)) return {held: HELD[answer.status]};
    if (answer.status === 429 || answer.status === 503) return {wait: pause(answer.headers.get('Retry-After'))};
    if (answer.status !== 200 && answer.status !== 201) return {};
    let receipt;
    try { receipt = JSON.parse(text); } catch (e) { return {}; }
    const ours = receipt && receipt.id === envelope.id && receipt.hash === envelope.hash &&
      STATES.includes(receipt.state) && Number.isInteger(receipt.seq);
    return ours ? {receipt} : {};
  }

  const pause = header => Math.min(15 * MINUTE, Math.max(1, /^\d+$/.test(header) ? +header : 5) * 1000);

  /** fetch with our rules; a hung connection ends after 30 s, body included. */
  async function timed(url, options, read) {
    const stop = new AbortController(), bell = setTimeout(() => stop.abort(), send.limit);
    try {
      return await read(await fetch(url, Object.assign(options,
        {redirect: 'manual', credentials: 'same-origin', cache: 'no-store', signal: stop.signal})));
    } finally {
      clearTimeout(bell);
    }
  }

  /** Send photos; false when the network gave out. */
  async function photos() {
    const queued = await nc.outbox.use(db => db.getAllKeysFromIndex('photos', 'state', 'queued'));
    if (!queued.length) return true;
    const stored = (await nc.outbox.list()).filter(row => row.receipt);
    const naming = sha256 => stored.filter(row => row.envelope.photos.some(photo => photo.sha256 === sha256));
    for (const sha256 of queued.filter(each => naming(each).length)) {
      const photo = await nc.outbox.use(db => db.get('photos', sha256));
      let state;
      try { state = await carry(photo); } catch (e) { return false; }
      if (state === 'later') return false;
      if (state !== 'queued') await nc.outbox.change('photos', sha256, {state});
      if (state === 'delivered') await Promise.all([nc.spare.dropPhoto(sha256), ...naming(sha256).map(row => nc.outbox.settled(row.id))]);
      nc.outbox.tell({photo: sha256});
    }
    return true;
  }

  async function carry({sha256, size, type, data, begun}) {
    const url = '/inbox/photos/' + sha256;
    const held = answer => ({status: answer.status, at: answer.headers.has('Upload-Offset') ? +answer.headers.get('Upload-Offset') : -1});
    let {status, at} = begun ? await timed(url, {method: 'HEAD'}, held) : {status: 200, at: 0};
    if (status === 404) return 'queued';          // its envelope is not stored yet
    if (!begun) await nc.outbox.change('photos', sha256, {begun: true});
    for (let turns = 0; at >= 0 && at < size && turns < 999; turns++) {
      const now = send.piece;
      send.piece = Math.max(16384, now / 4);           // a piece that is cut is smaller the next time: a bad line takes little at once
      const answer = await timed(url, {method: 'PUT', headers: {'Content-Type': type, 'Upload-Offset': String(at), 'Upload-Length': String(size)},
        body: data.slice(at, at + now)}, held);
      if (answer.status === 413 && now > 16384) continue;
      if (answer.at >= 0 && [400, 415, 422].includes(answer.status)) return 'held';   // without it: not our server
      if (answer.at < 0 || answer.status !== 409 && answer.at <= at) return 'later';
      at = answer.at;
      send.piece = Math.min(PIECE, now * 2);
    }
    return at === size ? 'delivered' : 'later';
  }

  if (!self.document) return;                     // inside the worker: only when it is told
  nc.outbox.heard(news => {
    if (news.kept) flush({soon: true});
    if (news.flush) flush({press: news.press, asked: true});
  });
  addEventListener('online', () => flush({soon: true}));
  setInterval(flush, MINUTE);
  document.addEventListener('visibilitychange', () => document.hidden || flush({soon: true}));
  document.addEventListener('click', async e => {
    const button = e.target.closest && e.target.closest('[data-send-now]');
    if (!button) return;
    button.setAttribute('aria-busy', 'true');
    try { await flush({press: true}); } finally { button.removeAttribute('aria-busy'); }
  });
  send.start = () => { if (!send.started) { send.started = true; flush(); } };
})();
