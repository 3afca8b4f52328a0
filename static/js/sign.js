/* A signature with the finger: [data-sign="strokes"] (the hidden field's name) around <canvas data-sign-pad>. What is written
   is kept as x,y of every point (0 to 999), strokes apart by ;. And of [data-way] parts only the chosen way's is shown. */
(() => {
  function choose(form) {
    const way = form.querySelector('input[name=way]:checked');
    form.querySelectorAll('[data-way]').forEach(el => { el.hidden = !way || el.dataset.way !== way.value; });
  }

  document.querySelectorAll('form').forEach(form => {
    if (!form.querySelector('[data-way]')) return;
    form.addEventListener('change', () => choose(form));
    choose(form);
  });

  document.querySelectorAll('[data-sign]').forEach(box => {
    const pad = box.querySelector('[data-sign-pad]'), pen = pad.getContext('2d'), form = box.closest('form');
    const input = form.elements[box.dataset.sign], clear = box.querySelector('[data-sign-clear]');
    let strokes = [], now = null;
    pad.hidden = clear.hidden = false;
    box.querySelector('[data-sign-none]').hidden = true;
    pen.lineWidth = 4;
    pen.lineCap = pen.lineJoin = 'round';

    function at(e) {
      const r = pad.getBoundingClientRect();
      const held = (n, of) => Math.max(0, Math.min(999, Math.round(n * 1000 / of)));
      return [held(e.clientX - r.left, r.width), held(e.clientY - r.top, r.height)];
    }

    function tell() {
      input.value = strokes.map(stroke => stroke.map(p => p.join(',')).join(' ')).join(';').slice(0, 8000);
      input.dispatchEvent(new Event('change', {bubbles: true}));
    }

    pad.addEventListener('pointerdown', e => {
      now = [at(e)];
      strokes.push(now);
      pad.setPointerCapture(e.pointerId);
      e.preventDefault();
    });
    pad.addEventListener('pointermove', e => {
      if (!now) return;
      const before = now[now.length - 1], p = at(e);
      if (Math.abs(p[0] - before[0]) + Math.abs(p[1] - before[1]) < 6) return;
      now.push(p);
      pen.beginPath();
      pen.moveTo(before[0] * pad.width / 1000, before[1] * pad.height / 1000);
      pen.lineTo(p[0] * pad.width / 1000, p[1] * pad.height / 1000);
      pen.stroke();
    });
    ['pointerup', 'pointercancel'].forEach(name => pad.addEventListener(name, () => { if (now) { now = null; tell(); } }));
    clear.addEventListener('click', () => { strokes = []; pen.clearRect(0, 0, pad.width, pad.height); tell(); });
  });
})();
