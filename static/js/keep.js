/* A kept form: <form method="post" action="…" data-kept="visits.arrive" data-schema="1" data-title="签到 王奶奶"
     data-chain="<uuid>" | "field:visit" (empty or absent field: minted here) | "new" | absent
     data-household="<uuid>" data-makes="arrived" data-adds="spent_fen=amount_fen cash_fen=-amount_fen@source:cash"
     data-then="/today/visits/{chain}" | "stay" data-draft="…">, hidden inputs id, made_at, seal (used without JavaScript only).
   Fields go into the body by name, read by data-kind: text (default) int fen bool list place; empty ones are left out.
   data-kind="place" is for the hidden fields place.js fills: a whole number or a word. <input type="file" name="…"> become photos. An input data-card takes the
   scanned token (or `number` the typed one): then [data-card-shown="scan|number"] in the form is shown and [data-card-asked]
   hidden; a form in [data-card-seen hidden] is offered too when the card is a resident's ([data-card-whose] the name).
   After keeping: [data-kept-note] in the form is shown (手机已存); [data-kept-full] if the phone could not write.
   Without secure context, keys or enrolment for <body data-account data-app>, the form posts normally; without network too
   it stays as it is and [data-kept-none] is shown. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.keep) return;
  const PLAIN_ONLY = ['id', 'made_at', 'seal', 'csrf_token'], busy = new WeakSet();
  const able = () => !!(self.isSecureContext && self.crypto && crypto.subtle && navigator.locks && self.indexedDB);

  /** A comma stands between thousands: "36,5" is no number, and never read as 365. */
  const figures = text => text.normalize('NFKC').replace(/。/g, '.').replace(/[¥元]/g, '').trim().replace(/(\d),(?=\d{3}(?!\d))/g, '$1');

  /** Fen from "36.5", "¥1,200", full-width figures; null when it is not an amount. */
  function fen(text) {
    const found = /^(-?)(\d{1,12})(?:\.(\d{1,2}))?$/.exec(figures(text));
    if (!found) return null;
    const sum = +found[2] * 100 + +(found[3] || '').padEnd(2, '0');
    return found[1] && sum ? -sum : sum;
  }

  function int(text) {
    const plain = figures(text);
    return /^-?\d{1,15}$/.test(plain) ? +plain || 0 : null;
  }

  /** {body, wrong}: what the form says, and the first field that could not be read. */
  function gather(form, submitter) {
    const body = {};
    let wrong = null;
    for (const field of form.elements) {
      const {name, type, value} = field, kind = field.dataset.kind || 'text';
      const button = /^(submit|button|image|reset)$/.test(type) || field.tagName === 'FIELDSET' || field.tagName === 'OUTPUT';
      if (!name || type === 'file' || PLAIN_ONLY.includes(name) || field !== submitter && (button || field.matches(':disabled'))) continue;
      if (kind === 'list') {
        const chosen = field.options ? Array.from(field.selectedOptions, o => o.value) : type === 'checkbox' && !field.checked ? [] : [value];
        body[name] = (body[name] || []).concat(chosen.filter(Boolean)).sort();
      } else if (kind === 'bool') body[name] = type === 'checkbox' ? field.checked : /^(1|true|yes|on)$/.test(value);
      else if ((type === 'radio' || type === 'checkbox') && !field.checked || !value.trim()) continue;
      else {
        const number = kind === 'fen' ? fen(value) : int(value);
        if (kind === 'place') body[name] = number === null ? value : number;
        else if (kind !== 'fen' && kind !== 'int') body[name] = nc.canonical.clean(value.replace(/\r\n?/g, '\n'));
        else if (number !== null) body[name] = number;
        else wrong = wrong || field;
      }
    }
    return {body, wrong};
  }

  function chainOf(form) {
    const told = form.dataset.chain || '';
    if (told === 'new') return nc.canonical.uuid7();
    if (!told.startsWith('field:')) return told || null;
    const field = form.elements[told.slice(6)];
    if (field && field.value) return field.value;
    const chain = nc.canonical.uuid7();
    history.replaceState(history.state, '', '#' + chain);   // survives a reload and a killed browser
    adopt(chain);
    return chain;
  }

  /** Every step of an unplanned visit's page goes to the one visit that its first step began. */
  function adopt(chain) {
    for (const form of document.querySelectorAll('form[data-chain^="field:"]')) {
      const field = form.elements[form.dataset.chain.slice(6)];
      if (field && !field.value) field.value = chain;
    }
    document.querySelectorAll('[data-chain=""]:not(form)').forEach(piece => { piece.dataset.chain = chain; });
  }

  /** "out_fen=amount_fen cash_fen=-amount_fen@source:cash": what this act adds to the sums on the pages. */
  function addsOf(form, body) {
    const adds = {};
    for (const pair of (form.dataset.adds || '').split(' ').filter(Boolean)) {
      const found = /^(\w+)=(-?)(\w+)(?:@(\w+):(.+))?$/.exec(pair);
      if (!found || found[4] && body[found[4]] !== found[5]) continue;
      const [, sum, minus, field] = found, value = body[field];
      if (Number.isInteger(value)) adds[sum] = (adds[sum] || 0) + (minus ? -value : value);
    }
    return adds;
  }

  async function plainly(form, submitter) {
    if (nc.draft) await nc.draft.drop(form);
    if (submitter && submitter.name) {
      const hidden = form.appendChild(document.createElement('input'));
      Object.assign(hidden, {type: 'hidden', name: submitter.name, value: submitter.value});
    }
    HTMLFormElement.prototype.submit.call(form);   // a field may be named "submit"
  }

  const mark = (form, name, on) => form.querySelectorAll(`[${name}]`).forEach(el => { el.hidden = !on; });

  async function keep(form, submitter) {
    const page = document.body.dataset;
    if (nc.place) await nc.place.settle(form);
    const chain = chainOf(form), {body, wrong} = gather(form, submitter);
    if (wrong) {
      wrong.setCustomValidity(wrong.dataset.wrong || wrong.title || '?');
      wrong.addEventListener('input', () => wrong.setCustomValidity(''), {once: true});
      wrong.reportValidity();
      return null;
    }
    const photos = nc.photo ? await nc.photo.of(form) : [];
    // One id from the first tap on, so that a second try after a full disk is the same act.
    form.dataset.next = form.dataset.next || nc.canonical.uuid7();
    return nc.outbox.keep({
      id: form.dataset.next, author: page.account, app: page.app || '', kind: form.dataset.kept, schema: +form.dataset.schema || 1,
      chain, household: form.dataset.household || body.household, body, photos, title: form.dataset.title || '',
      makes: form.dataset.makes || '', adds: addsOf(form, body), draft: nc.draft && nc.draft.keyOf(form)
    });
  }

  function after(form, record) {
    delete form.dataset.next;
    HTMLFormElement.prototype.reset.call(form);
    if (nc.draft) nc.draft.clear(form);
    if (nc.photo) nc.photo.clear(form);
    const card = form.querySelector('[data-card]');
    if (card) {
      card.value = '';
      form.querySelectorAll('[data-card-shown]').forEach(el => { el.hidden = true; });
      form.querySelectorAll('[data-card-asked]').forEach(el => { el.hidden = false; });
      sessionStorage.removeItem('card');
    }
    ['full', 'none'].forEach(why => mark(form, 'data-kept-' + why, false));
    mark(form, 'data-kept-note', true);
    if (leaves(form)) location.assign(form.dataset.then.replace('{chain}', record.chain || ''));
  }

  const leaves = form => !!form.dataset.then && form.dataset.then !== 'stay';

  const written = id => nc.outbox.use(db => id && db.get('envelopes', id)).catch(() => null);

  /** The phone cannot keep it. The server may still take it; offline, what was typed stays where it is, with a word why. */
  function otherwise(form, submitter, why) {
    if (nc.net ? nc.net.gone() : !navigator.onLine) mark(form, why, true);
    else plainly(form, submitter);
  }

  document.addEventListener('submit', async e => {
    const form = e.target, submitter = e.submitter || null;
    if (!form.dataset || !form.dataset.kept || e.defaultPrevented || !able()) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    if (busy.has(form) || !(submitter && submitter.formNoValidate) && !form.reportValidity()) return;
    busy.add(form);
    const buttons = Array.from(form.elements).filter(el => el.type === 'submit' && !el.disabled);
    const release = () => { busy.delete(form); buttons.forEach(el => { el.disabled = false; }); };
    buttons.forEach(el => { el.disabled = true; });
    let record = null;
    try {
      record = await keep(form, submitter);
    } catch (error) {
      record = await written(form.dataset.next);
      if (!record) otherwise(form, submitter, error.name === 'NoKey' ? 'data-kept-none' : 'data-kept-full');
    }
    // A page that is being left keeps its buttons shut, or an impatient tap would make a second act.
    setTimeout(release, record && leaves(form) ? 4000 : 0);
    if (record) after(form, record);
  }, true);

  function start(root) {
    if (/^#[0-9a-f]{8}-[0-9a-f-]{27}$/.test(location.hash)) adopt(location.hash.slice(1));
    Promise.resolve(nc.overlay && nc.overlay.run()).then(() => hand(root)).catch(e => console.warn(e));
  }

  /** With the card in hand its step is what comes next: it moves to the top of its piece, and the bar that asks for a card goes. */
  function front(form) {
    const part = form.closest('section[data-when]'), piece = part && part.parentElement;
    if (!piece || !piece.matches('[data-chain]') || piece.children[1] === part) return;
    piece.insertBefore(part, piece.children[1]);
    piece.querySelectorAll('.act[data-when]').forEach(el => {
      el.removeAttribute('data-when');
      el.hidden = true;
    });
  }

  /** The scanned token goes to the step that is due on the page it was scanned for, for half an hour at most. */
  function hand(root) {
    const kept = sessionStorage.getItem('card'), card = kept && JSON.parse(kept);
    if (!card || card.path !== location.pathname || Date.now() - card.at > 1800000) return;
    const due = el => !el.closest('[hidden]:not([data-card-seen])'), way = card.token ? 'scan' : 'number';
    const fields = Array.from(root.querySelectorAll('form[data-kept] [data-card]')).filter(due);
    for (const field of [fields.find(el => !el.closest('[data-card-seen]')), fields.find(el => el.closest('[data-card-seen]'))]) {
      if (!field || field.value || field.form.elements.number && field.form.elements.number.value) continue;
      const {form} = field, seen = form.closest('[data-card-seen]');
      if (seen && !card.whose) continue;
      if (card.token) field.value = card.token;
      else form.elements.number.value = card.number;
      form.querySelectorAll('[data-card-shown]').forEach(el => { el.hidden = el.dataset.cardShown !== way; });
      form.querySelectorAll('[data-card-asked]').forEach(el => { el.hidden = true; });
      if (seen) seen.hidden = false;
      else front(form);
      form.querySelectorAll('[data-card-whose]').forEach(el => { el.textContent = card.whose; });
    }
  }

  nc.keep = {able, fen, int, gather, start};
})();
