/* What is unsent shows on the pages: the server renders every state, this only chooses. Runs at start, after a keep,
   after htmx settles, and when another tab tells. A piece is an element with data-chain or data-household (not a form):
     data-state="planned" data-seen="<ids it already contains>" data-refetch="/url of the piece" (fetched again on a receipt)
     [data-when="planned arrived"] shown in these states; [data-when-kept="queued sending delivered waiting held"] by the
     newest unseen act ("none" without one); [data-sum="cash_fen" data-value="1200" (data-as="money")] adds what unseen acts add
     [data-made="open"]: when the newest unseen act was made that led to this state;
     <template data-kept-template="ledger.spend log.write" (data-newest="last")> cloned per unseen act (no value: all);
     [data-mirror="visits.services"]: boxes are ticked and words filled as the newest unseen act of that kind says, unless somebody types
     <details data-folds="logs.write" open>: folded, and its <summary hidden> shown, once there is an unseen act of that kind
     inside [data-fill="field|title|made_at|seq|say|age"] (data-as="money|time", data-words='{"food":"买菜"}'), [data-fill-href="/x#{chain}"].
   Chip: [data-outbox-count data-words="{n} 条手机已存" hidden], gets data-late when a person should look.
   Outbox page: [data-outbox-list data-other="…" data-now="刚刚" data-minutes="{n} 分钟前" data-hours data-days] with one <template>,
   in it also [data-why="device unreadable big stuck"]; [data-outbox-empty], [data-outbox-some]; button [data-rescue="file name"]. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.overlay) return;
  const HOUR = 3600000, PIECES = '[data-chain]:not(form),[data-household]:not(form)';

  /** 3650 -> "36.50", -123456 -> "−1,234.56", as the server writes it. */
  function money(fen) {
    const size = Math.abs(fen), yuan = String(Math.floor(size / 100)).replace(/\B(?=(\d{3})+$)/g, ',');
    return `${fen < 0 ? '−' : ''}${yuan}.${String(size % 100).padStart(2, '0')}`;
  }

  function clock(text) {
    const at = new Date(text);
    return `${at.getHours()}:${String(at.getMinutes()).padStart(2, '0')}`;
  }

  const own = (piece, selector) => Array.from(piece.querySelectorAll(selector)).filter(el => el.parentElement.closest(PIECES) === piece);
  const has = (el, name, word) => el.getAttribute(name).split(' ').includes(word);

  function choose(scope, name, word) {
    scope.forEach(el => { el.hidden = !has(el, name, word); });
  }

  function write(el, value) {
    const words = el.dataset.words && JSON.parse(el.dataset.words), say = v => words && words[v] || String(v);
    el.textContent = value === undefined || value === null ? '' : el.dataset.as === 'money' ? money(value)
      : el.dataset.as === 'time' ? clock(value) : [].concat(value).map(say).join(el.dataset.join || '、');
  }

  function fill(template, row, extra = {}) {
    const clone = template.content.cloneNode(true), receipt = row.receipt || {};
    const facts = Object.assign({title: row.title, made_at: row.envelope.made_at, seq: receipt.seq, say: receipt.say}, row.envelope.body, extra);
    clone.querySelectorAll('[data-fill]').forEach(el => write(el, facts[el.dataset.fill]));
    clone.querySelectorAll('[data-fill-href]').forEach(el => { el.href = el.dataset.fillHref.replace('{chain}', row.chain || ''); });
    choose(clone.querySelectorAll('[data-when-kept]'), 'data-when-kept', row.state);
    choose(clone.querySelectorAll('[data-why]'), 'data-why', row.why);
    Array.from(clone.children).forEach(el => { el.dataset.keptId = row.id; });
    return clone;
  }

  const parts = {chain: 'chain', household: 'household'};

  async function lay(piece) {
    const by = piece.dataset.chain ? parts.chain : parts.household, seen = (piece.dataset.seen || '').split(' ');
    const key = piece.dataset[by], rows = key ? (await nc.outbox.list(by, key)).filter(row => !seen.includes(row.id)) : [];
    const makers = rows.filter(row => row.makes), last = rows[rows.length - 1];
    choose(own(piece, '[data-when]'), 'data-when', makers.length ? makers[makers.length - 1].makes : piece.dataset.state || '');
    choose(own(piece, '[data-when-kept]').filter(el => !el.closest('[data-kept-id]')), 'data-when-kept', last ? last.state : 'none');
    own(piece, '[data-made]').forEach(el => {
      const row = makers.filter(each => each.makes === el.dataset.made).pop();
      el.textContent = row ? clock(row.envelope.made_at) : '';
    });
    own(piece, '[data-sum]').forEach(el => write(el, rows.reduce((sum, row) => sum + added(row, el.dataset.sum), +el.dataset.value || 0)));
    own(piece, '[data-mirror]').forEach(el => mirror(el, rows));
    own(piece, '[data-folds]').forEach(el => fold(el, rows));
    own(piece, '[data-kept-id]').forEach(el => el.remove());
    own(piece, 'template[data-kept-template]').forEach(template => {
      const kinds = template.dataset.keptTemplate, first = template.dataset.newest !== 'last';
      rows.filter(row => !kinds || kinds.split(' ').includes(row.kind))
        .forEach(row => template.parentNode.insertBefore(fill(template, row), first ? template.nextSibling : template));
    });
  }

  /** A form that was kept and is still on the page says what was kept. */
  function mirror(el, rows) {
    const row = rows.filter(each => each.kind === el.dataset.mirror).pop(), form = el.closest('form');
    if (!row || form.hasAttribute('data-dirty')) return;
    el.querySelectorAll('input[type=checkbox]').forEach(box => { box.checked = [].concat(row.envelope.body[box.name] || []).includes(box.value); });
  }

  function fold(el, rows) {
    const some = rows.some(row => row.kind === el.dataset.folds), head = el.querySelector('summary');
    if (some === !head.hidden) return;   // once: who opens it again wants it open
    head.hidden = !some;
    el.open = !some;
  }

  function added(row, field) {
    const value = row.adds && field in row.adds ? row.adds[field] : row.envelope.body[field];
    return Number.isInteger(value) ? value : 0;
  }

  async function chip() {
    const chips = document.querySelectorAll('[data-outbox-count]');
    if (!chips.length) return;
    const rows = await nc.outbox.unsent();
    const age = rows.reduce((most, row) => Math.max(most, Date.now() - Date.parse(row.envelope.made_at)), 0);
    const late = rows.some(row => row.why) || age > 24 * HOUR || age > 4 * HOUR && navigator.onLine;
    chips.forEach(el => {
      el.hidden = !rows.length;
      el.textContent = (el.dataset.words || '{n}').replace('{n}', rows.length);
      el.toggleAttribute('data-late', late);
    });
  }

  function ageOf(row, words) {
    const minutes = Math.floor((Date.now() - Date.parse(row.envelope.made_at)) / 60000);
    const [word, n] = minutes < 1 ? [words.now, 0] : minutes < 60 ? [words.minutes, minutes]
      : minutes < 2880 ? [words.hours, Math.floor(minutes / 60)] : [words.days, Math.floor(minutes / 1440)];
    return (word || '').replace('{n}', n);
  }

  async function page() {
    for (const place of document.querySelectorAll('[data-outbox-list]')) {
      const template = place.querySelector('template'), rows = (await nc.outbox.list()).reverse();
      place.querySelectorAll('[data-kept-id]').forEach(el => el.remove());
      rows.forEach(row => {
        const extra = {age: ageOf(row, place.dataset)};
        // On a shared phone another person's work is counted here, not shown.
        if (row.author !== document.body.dataset.account) extra.title = place.dataset.other || '';
        place.appendChild(fill(template, row, extra));
      });
      document.querySelectorAll('[data-outbox-empty]').forEach(el => { el.hidden = rows.length > 0; });
      const unsent = await nc.outbox.unsent();
      document.querySelectorAll('[data-outbox-some]').forEach(el => { el.hidden = !unsent.length; });
    }
  }

  /** Unsent work as a file the station can take in; photos inside as base64. */
  async function rescue(name) {
    const rows = await nc.outbox.unsent(), photos = [];
    for (const sha256 of new Set([].concat(...rows.map(row => row.envelope.photos.map(p => p.sha256))))) {
      const photo = await nc.outbox.use(db => db.get('photos', sha256));
      if (photo) photos.push({sha256, type: photo.type, data: nc.canonical.b64(new Uint8Array(photo.data))});
    }
    const file = new Blob([JSON.stringify({v: 1, made_at: new Date().toISOString(), envelopes: rows.map(row => row.envelope), photos})],
      {type: 'application/json'});
    const link = document.createElement('a'), url = URL.createObjectURL(file);
    Object.assign(link, {href: url, download: `${name || 'nuanchao'}-${new Date().toISOString().slice(0, 10)}.json`});
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }

  let turn = Promise.resolve(), asked = false;
  /** Lay everything unsent over the page. Calls while one waits are one run; runs never overlap. */
  function run() {
    if (asked || !self.indexedDB) return turn;
    asked = true;
    turn = turn.then(async () => {
      asked = false;
      for (const piece of document.querySelectorAll(PIECES)) await lay(piece);
      await chip();
      await page();
    }).catch(e => console.warn(e));
    return turn;
  }

  const stale = new Set();
  let bell = 0;
  function refetch() {
    for (const piece of document.querySelectorAll('[data-refetch]')) {
      const {chain, household} = piece.dataset;
      // Never under somebody's hands: what is being typed would go.
      if (!stale.has(chain) && !stale.has(household) || piece.querySelector('form[data-dirty]') || !self.htmx || !navigator.onLine) continue;
      htmx.ajax('GET', piece.dataset.refetch, {target: piece, swap: 'outerHTML'}).catch(() => {});
    }
    stale.clear();
  }

  nc.outbox.heard(news => {
    if (news.kept || news.settled || news.sending || news.tried) run();
    if (!news.settled) return;
    [news.chain, news.household].filter(Boolean).forEach(key => stale.add(key));
    clearTimeout(bell);
    bell = setTimeout(refetch, 400);
  });
  document.addEventListener('click', e => {
    const button = e.target.closest && e.target.closest('[data-rescue]');
    if (button) rescue(button.dataset.rescue);
  });

  nc.overlay = {run, money, start: run};
})();
