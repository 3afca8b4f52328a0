/* One tap prints the page: <button data-print hidden>, shown only where a script can do it. */
(() => {
  document.addEventListener('click', e => { if (e.target.closest('[data-print]')) print(); });
  document.querySelectorAll('[data-print]').forEach(el => { el.hidden = false; });
})();
