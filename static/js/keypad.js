/* Money keypad: [data-keypad="amount_fen"] (the field's name) inside a form, with <button type="button" data-key="0".."9" "." "back" "clear">.
   At most two decimals and seven figures before them. [data-keypad-say aria-live="polite"] in it repeats the amount. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.keypad) return;

  /** The text after one more key; the same text when the key does not fit. */
  function press(text, key) {
    if (key === 'clear') return '';
    if (key === 'back') return text.slice(0, -1);
    const next = (text === '0' && key !== '.' ? '' : text) + key;
    const whole = next[0] === '.' ? '0' + next : next;
    return /^\d{1,7}(\.\d{0,2})?$/.test(whole) ? whole : text;
  }

  document.addEventListener('click', e => {
    const key = e.target.closest && e.target.closest('[data-key]'), pad = key && key.closest('[data-keypad]');
    const form = pad && pad.closest('form'), input = form && form.elements[pad.dataset.keypad];
    if (!input) return;
    input.value = press(input.value, key.dataset.key);
    pad.querySelectorAll('[data-keypad-say]').forEach(el => { el.textContent = input.value; });
    input.dispatchEvent(new Event('input', {bubbles: true}));
  });

  nc.keypad = {press};
})();
