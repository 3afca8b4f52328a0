/* A sound for each red line that is new since this page first looked: <div data-alarm> holds elements with [data-red="key"].
   Browsers let a page sound only after somebody has touched it; until then it stays silent and the words must do. */
(() => {
  const heard = new Set();
  let sound = null;

  const beep = () => {
    const Context = self.AudioContext || self.webkitAudioContext;
    if (!Context) return;
    sound = sound || new Context();
    const ring = () => [0, 0.35, 0.7].forEach(at => {
      const tone = sound.createOscillator(), loud = sound.createGain(), from = sound.currentTime + at;
      tone.frequency.value = 880;
      loud.gain.setValueAtTime(0.3, from);
      loud.gain.exponentialRampToValueAtTime(0.001, from + 0.3);
      tone.connect(loud).connect(sound.destination);
      tone.start(from);
      tone.stop(from + 0.3);
    });
    if (sound.state === 'suspended') sound.resume().then(ring, () => {});
    else ring();
  };

  const look = loud => document.querySelectorAll('[data-alarm] [data-red]').forEach(el => {
    if (heard.has(el.dataset.red)) return;
    heard.add(el.dataset.red);
    if (loud) {
      document.documentElement.dataset.alarmed = el.dataset.red;
      beep();
    }
  });

  document.addEventListener('htmx:afterSettle', e => { if (e.target.closest('[data-alarm]')) look(true); });
  look(false);
})();
