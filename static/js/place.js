/* Where it was recorded: <form data-place> with hidden inputs lat_e6 lon_e6 accuracy_m fix_age_ms (whole numbers) and
   place_state (ok denied none timeout). The search begins with the page and ends after 10 s; keeping waits for it
   three seconds at most (data-place="5000" for another patience, ms) and is never refused.
   [data-place-note="ok denied none timeout"] in the form shows what fits.
   A sharp fix outlives its page: two minutes, or as many seconds as [data-gate="600"] in the form says. That is a home
   without signal, whose place is taken at the gate; its [data-gate-got] and [data-gate-wait] children show which. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.place) return;
  const LIMIT = 10000, FRESH = 120000, SHARP = 100, KEPT = 'nc-place';
  let best = null, state = 'none', running = null;

  /** Look for at most 10 s and keep the sharpest fix; resolves when it is sharp enough or time is up. */
  function look() {
    if (running) return running;
    if (!navigator.geolocation) return Promise.resolve();
    running = new Promise(done => {
      let watch = 0, bell = 0;
      const end = () => {
        navigator.geolocation.clearWatch(watch);
        clearTimeout(bell);
        running = null;
        show();
        done();
      };
      const got = fix => {
        if (fix.coords.accuracy <= SHARP) store(fix);
        if (!best || fix.timestamp - best.timestamp > FRESH || fix.coords.accuracy <= best.coords.accuracy) best = fix;
        state = 'ok';
        if (fix.coords.accuracy <= 30) end();
      };
      const sorry = ({code}) => {
        if (state !== 'ok') state = code === 1 ? 'denied' : code === 2 ? 'none' : 'timeout';
        if (code === 1) end();
      };
      bell = setTimeout(end, LIMIT);
      watch = navigator.geolocation.watchPosition(got, sorry, {enableHighAccuracy: true, maximumAge: 60000, timeout: LIMIT});
    });
    return running;
  }

  const plain = fix => ({timestamp: fix.timestamp,
    coords: {latitude: fix.coords.latitude, longitude: fix.coords.longitude, accuracy: fix.coords.accuracy}});

  function store(fix) {
    try { sessionStorage.setItem(KEPT, JSON.stringify(plain(fix))); } catch (e) { /* no room: as if there were none */ }
    show();
  }

  /** The fix of an earlier page, if it is not older than `most` ms. */
  function stored(most) {
    try {
      const fix = JSON.parse(sessionStorage.getItem(KEPT) || 'null'), age = fix ? Date.now() - fix.timestamp : Infinity;
      if (age > 3600000) sessionStorage.removeItem(KEPT);
      return age > -5000 && age <= most ? fix : null;   // the fix has its own clock
    } catch (e) { return null; }
  }

  const most = root => {
    const gate = root.querySelector('[data-gate]');
    return gate ? Math.max(FRESH, +gate.dataset.gate * 1000) : FRESH;
  };

  function show() {
    document.querySelectorAll('[data-gate]').forEach(el => {
      const got = !!stored(most(el.parentNode));
      el.querySelectorAll('[data-gate-got]').forEach(part => { part.hidden = !got; });
      el.querySelectorAll('[data-gate-wait]').forEach(part => { part.hidden = got; });
    });
    document.querySelectorAll('form[data-place] [data-place-note]').forEach(el => {
      el.hidden = !el.dataset.placeNote.split(' ').includes(state);
    });
  }

  /** Write what is known into the form's hidden fields, after a short patience. */
  async function settle(form) {
    if (!form.hasAttribute('data-place')) return;
    if (best && Date.now() - best.timestamp > FRESH) best = null;
    if (!best && state !== 'denied') await Promise.race([look(), new Promise(done => setTimeout(done, +form.dataset.place || 3000))]);
    best = best || stored(most(form));
    const facts = {place_state: best ? 'ok' : state === 'denied' ? state : running ? 'timeout' : state};
    if (best) {
      Object.assign(facts, {
        lat_e6: Math.round(best.coords.latitude * 1e6), lon_e6: Math.round(best.coords.longitude * 1e6),
        accuracy_m: Math.round(best.coords.accuracy), fix_age_ms: Math.max(0, Math.round(Date.now() - best.timestamp))
      });
    }
    for (const name of ['lat_e6', 'lon_e6', 'accuracy_m', 'fix_age_ms', 'place_state']) {
      if (form.elements[name]) form.elements[name].value = name in facts ? facts[name] : '';
    }
  }

  nc.place = {settle, start: root => { show(); if (root.querySelector('form[data-place]') && !best) look(); }};
})();
