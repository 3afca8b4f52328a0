/* Read before the page is drawn: a kept form that is sent before our scripts are there waits for them, or for the news
   that they will not come. Without it a quick tap without network would go the plain way and be nowhere. */
(() => {
  const early = new Map();
  const hold = e => {
    if (!e.target.matches('form[data-kept]')) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    early.set(e.target, e.submitter || e.target.querySelector('button:not([type]), [type="submit"]'));
  };
  document.addEventListener('submit', hold, true);
  document.addEventListener('DOMContentLoaded', () => {
    document.removeEventListener('submit', hold, true);
    early.forEach(button => button && button.click());
  });
})();
