/* Nothing typed is lost: <form data-draft="log:<visit>"> saves its fields on every input and fills them again after a
   reload; the draft goes when the form is kept. [data-draft-note] in the form is shown when something came back.
   A form with unsaved typing carries data-dirty; nc.draft.dirty() says whether any does (the worker waits for it). */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.draft) return;
  const SKIP = /^(hidden|file|password|submit|button|reset)$/, timers = new Map();

  // By account: on a shared phone nobody reads another's half-written words.
  const keyOf = form => form.dataset.draft ? `${document.body.dataset.account || ''}:${form.dataset.draft}` : '';
  const fields = form => Array.from(form.elements).filter(el => el.name && !SKIP.test(el.type) && el.tagName !== 'FIELDSET');
  const ticks = el => el.type === 'checkbox' || el.type === 'radio';
  const pristine = el => ticks(el) ? el.checked === el.defaultChecked
    : el.options ? Array.from(el.options).every(o => o.selected === o.defaultSelected) || el.selectedIndex === 0 : el.value === el.defaultValue;

  function save(form) {
    clearTimeout(timers.get(form));
    timers.delete(form);
    const key = keyOf(form), some = fields(form).some(el => !pristine(el));
    form.toggleAttribute('data-dirty', some);
    if (!key || !self.indexedDB) return;
    const values = fields(form).map(el => [el.name, el.value, ticks(el) ? el.checked : null]);
    nc.outbox.use(db => some ? db.put('drafts', {key, at: Date.now(), values}) : db.delete('drafts', key)).catch(e => console.warn(e));
  }

  async function restore(form) {
    const draft = await nc.outbox.use(db => db.get('drafts', keyOf(form)));
    if (!draft || form.hasAttribute('data-dirty')) return;
    const left = draft.values.slice();
    for (const el of fields(form)) {
      const at = left.findIndex(([name, value, tick]) => name === el.name && (tick === null || value === el.value));
      if (at < 0) continue;
      const [, value, tick] = left.splice(at, 1)[0];
      if (tick === null) el.value = value;
      else el.checked = tick;
    }
    form.setAttribute('data-dirty', '');
    form.querySelectorAll('[data-draft-note]').forEach(el => { el.hidden = false; });
    form.dispatchEvent(new CustomEvent('nc:restored', {bubbles: true}));
  }

  function clear(form) {
    clearTimeout(timers.get(form));
    timers.delete(form);
    form.removeAttribute('data-dirty');
    form.querySelectorAll('[data-draft-note]').forEach(el => { el.hidden = true; });
  }

  /** The form goes out by itself, without the outbox: what comes back then would be added to the next. Without network it stays. */
  async function drop(form) {
    if (!keyOf(form) || !self.indexedDB || navigator.onLine === false) return;
    clear(form);
    await nc.outbox.use(db => db.delete('drafts', keyOf(form))).catch(e => console.warn(e));
  }

  for (const type of ['input', 'change']) {
    document.addEventListener(type, ({target}) => {
      const form = target.form;
      if (!form || !(form.dataset.draft || form.dataset.kept)) return;
      clearTimeout(timers.get(form));
      timers.set(form, setTimeout(() => save(form), type === 'change' ? 0 : 200));
    });
  }
  const now = () => Array.from(timers.keys()).forEach(save);
  document.addEventListener('visibilitychange', now);
  addEventListener('pagehide', now);

  /** Drafts of a week ago in which nothing was written go; written ones stay. */
  const tidy = () => nc.outbox.use(async db => {
    for (const {key, at, values} of await db.getAll('drafts')) {
      const empty = values.every(([, value, tick]) => tick === null ? !value.trim() : !tick);
      if (empty && Date.now() - at > 7 * 86400000) await db.delete('drafts', key);
    }
  });

  let tidied = false;
  function start(root) {
    if (!self.indexedDB) return;
    for (const form of root.querySelectorAll('form[data-draft]:not([data-drafting])')) {
      form.setAttribute('data-drafting', '');
      restore(form).catch(e => console.warn(e));
    }
    if (!tidied) tidy().catch(e => console.warn(e));
    tidied = true;
  }

  nc.draft = {keyOf, clear, drop, start, dirty: () => !!document.querySelector('form[data-dirty]')};
})();
