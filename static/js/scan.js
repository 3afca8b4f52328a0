/* The camera that reads our cards. <section data-scan data-wasm="/static/…/zxing_reader.wasm">, in it:
     <video data-scan-video muted playsinline>, <button data-scan-torch hidden>, [data-scan-hint hidden] after three quiet seconds,
     [data-scan-other hidden] for a code that is not ours, [data-scan-denied hidden] and [data-scan-number] (the number pad: opened
     when there is no camera), <form data-scan-form method="post" action="…"> with hidden token (and csrf_token).
   Roster cards go straight to their page, with or without network: data-known='{"salt", "cards": {"<hex>": [home, whose]},
   "visits": {home: [[day, visit], …]}}', hex = HMAC-SHA256(key salt, message SHA-256 of the token or of the number), 32 digits;
   data-unplanned="/url" takes unknown cards while offline. What was shown goes along in sessionStorage, never in a URL; the
   form of the step that is due receives it (keep.js).
   Everything else is posted. nc.scan.detector(wasm) -> a detector that has read a sample, or throws. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.scan) return;
  const SAMPLE = ('1fd27f 104841 17475d 175c5d 175b5d 105141 1fd57f 1800 1179f9 a25c5 75985 9972d 8e27b 1f07 1fd27e ' +
    '1044fc 175dc5 174de3 174d84 104721 1fd277').split(' ').map(row => parseInt(row, 16)), SAYS = 'NUANCHAO';
  const QR = {formats: ['qr_code']};
  let stream = null, going = false;

  function sample() {
    const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
    canvas.width = canvas.height = 29 * 8;
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, 232, 232);
    pen.fillStyle = '#000';
    SAMPLE.forEach((row, y) => {
      for (let x = 0; x < 21; x++) if (row >> (20 - x) & 1) pen.fillRect((x + 4) * 8, (y + 4) * 8, 8, 8);
    });
    return canvas;
  }

  async function reads(Detector) {
    const detector = new Detector(QR), found = await detector.detect(sample());
    if (!found.length || found[0].rawValue !== SAYS) throw new Error('sample not read');
    return detector;
  }

  /** The phone's own detector only if it really reads (many say yes and cannot), else the one we bring. */
  async function detector(wasm) {
    try {
      if (self.BarcodeDetector) return await reads(self.BarcodeDetector);
    } catch (e) { /* then ours */ }
    const bring = self.BarcodeDetectionAPI;
    bring.prepareZXingModule({overrides: {locateFile: (path, prefix) => path.endsWith('.wasm') ? wasm : prefix + path}});
    return reads(bring.BarcodeDetector);
  }

  /** The token in a card's URL (/c/TOKEN on any host), or null. */
  function tokenOf(text) {
    const found = /^https?:\/\/[^/?#]+\/c\/([0-9a-z]{8,64})\/?$/i.exec(text.trim());
    return found && found[1].toUpperCase();
  }

  const hex = buffer => Array.from(new Uint8Array(buffer), b => b.toString(16).padStart(2, '0')).join('').slice(0, 32);

  /** The page for a card of her roster and whose card it is, or null: the visit that goes on here, else the next planned one. */
  async function roster(box, code) {
    const {salt, cards, visits} = JSON.parse(box.dataset.known || '{}');
    if (!salt || !self.crypto || !crypto.subtle) return null;
    const bytes = text => new TextEncoder().encode(text), kind = {name: 'HMAC', hash: 'SHA-256'};
    const key = await crypto.subtle.importKey('raw', bytes(salt), kind, false, ['sign']);
    const card = cards[hex(await crypto.subtle.sign(kind, key, await crypto.subtle.digest('SHA-256', bytes(code))))];
    if (!card) return null;
    const [home, whose] = card, made = new Map(), now = new Date(), planned = visits[home] || [];
    for (const row of await nc.outbox.list('household', home)) if (row.makes && row.chain) made.set(row.chain, row);
    const fresh = row => Date.now() - Date.parse(row.envelope.made_at) < 36 * 3600000;
    const open = Array.from(made.values()).reverse().find(row => row.makes === 'open' && fresh(row));
    const today = new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
    const next = planned.find(([day, visit]) => day === today && !['done', 'void'].includes((made.get(visit) || {}).makes));
    const visit = open ? open.chain : next && next[1];
    if (visit && planned.some(([, known]) => known === visit)) return {page: '/today/visits/' + visit, whose};
    return {page: `/today/households/${home}` + (visit ? '?visit=' + visit : ''), whose};
  }

  /** A card was shown, by `token` or by `number`: go to its page; the server is asked about those this phone does not know. */
  async function found(box, {token, number}) {
    stop();
    const known = await roster(box, token || number).catch(() => null), form = box.querySelector(token ? '[data-scan-form]' : '[data-scan-number]');
    const away = nc.net ? nc.net.gone() : !navigator.onLine, page = known ? known.page : token && away && box.dataset.unplanned;
    if (page) {
      const {pathname} = new URL(page, location.href);
      sessionStorage.setItem('card', JSON.stringify({token, number, whose: known ? known.whose : '', path: pathname, at: Date.now()}));
      location.assign(page);
    } else if (form) {
      if (token) form.elements.token.value = token;
      HTMLFormElement.prototype.submit.call(form);
    }
  }

  const mark = (box, name, on) => box.querySelectorAll(`[data-scan-${name}]`).forEach(el => { el.hidden = !on; });

  function stop() {
    going = false;
    if (stream) stream.getTracks().forEach(track => track.stop());
    stream = null;
  }

  async function torch(box) {
    const track = stream.getVideoTracks()[0], able = track.getCapabilities && track.getCapabilities().torch;
    mark(box, 'torch', able);
    box.querySelectorAll('[data-scan-torch]').forEach(button => {
      button.onclick = () => {
        const on = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(on));
        track.applyConstraints({advanced: [{torch: on}]}).catch(() => {});
      };
    });
  }

  async function watch(box) {
    if (going) return;
    going = true;
    const video = box.querySelector('[data-scan-video]');
    let eye;
    try {
      stream = await navigator.mediaDevices.getUserMedia({audio: false, video: {facingMode: {ideal: 'environment'}, width: {ideal: 1280}}});
      if (!going) return stop();
      video.srcObject = stream;
      await video.play();
      torch(box);
      eye = await (watch.eye = watch.eye || detector(box.dataset.wasm));
    } catch (e) {
      stop();
      watch.eye = null;
      mark(box, 'denied', true);
      return mark(box, 'number', true);
    }
    let quiet = Date.now();
    while (going) {
      const codes = await eye.detect(video).catch(() => []), tokens = codes.map(code => tokenOf(code.rawValue)).filter(Boolean);
      if (!going) return;
      if (tokens.length) return found(box, {token: tokens[0]});
      mark(box, 'other', codes.length > 0);
      if (codes.length) quiet = Date.now();
      mark(box, 'hint', Date.now() - quiet > 3000);
      await new Promise(next => setTimeout(next, 120));
    }
  }

  function start() {
    const box = document.querySelector('[data-scan]');
    if (box && !document.hidden) watch(box);
  }

  document.addEventListener('submit', e => {
    const form = e.target, box = form.closest && form.closest('[data-scan]');
    if (!box || !form.matches('[data-scan-number]')) return;
    const number = form.elements.number.value.normalize('NFKC').replace(/\D/g, '');
    if (number.length !== 7) return;
    e.preventDefault();
    found(box, {number});
  });
  document.addEventListener('visibilitychange', () => document.hidden ? stop() : start());
  addEventListener('pagehide', stop);
  addEventListener('pageshow', e => { if (e.persisted) start(); });
  nc.scan = {detector, tokenOf, start};
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
