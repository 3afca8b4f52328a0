/* Where it was recorded: <form data-place> with hidden inputs lat_e6 lon_e6 accuracy_m fix_age_ms (whole numbers) and
   place_state (ok denied none timeout). The search begins with the page and ends after 10 s; keeping waits for it
   three seconds at most (data-place="5000" for another patience, ms) and is never refused.
   [data-place-note="ok denied none timeout"] in the form shows what fits. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.place) return;
  const LIMIT = 10000, FRESH = 120000;
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

  function show() {
    document.querySelectorAll('form[data-place] [data-place-note]').forEach(el => {
      el.hidden = !el.dataset.placeNote.split(' ').includes(state);
    });
  }

  /** Write what is known into the form's hidden fields, after a short patience. */
  async function settle(form) {
    if (!form.hasAttribute('data-place')) return;
    if (best && Date.now() - best.timestamp > FRESH) best = null;
    if (!best && state !== 'denied') await Promise.race([look(), new Promise(done => setTimeout(done, +form.dataset.place || 3000))]);
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

  nc.place = {settle, start: root => { if (root.querySelector('form[data-place]') && !best) look(); }};
})();
