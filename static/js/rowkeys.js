/* Tables by keyboard: in [data-rowkeys] j and k go to the next and the previous line, Enter opens its first link, / goes to
   the search box or the first filter of the page. Nothing happens while somebody types. The marked line has aria-current,
   also after htmx has brought the table anew. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.rowkeys) return;
  nc.rowkeys = true;
  let at = -1;
  const typing = el => el && el.closest && el.closest('input,select,textarea,[contenteditable]');
  const lines = () => Array.from(document.querySelectorAll('[data-rowkeys] tbody tr'));

  function mark() {
    lines().forEach((row, n) => {
      if (n === at) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    });
  }

  function go(step) {
    const rows = lines();
    if (!rows.length) return;
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    mark();
    rows[at].scrollIntoView({block: 'nearest'});
    const link = rows[at].querySelector('a[href]:not([href^="tel:"])');
    if (link) link.focus({preventScroll: true});
    else if (document.activeElement) document.activeElement.blur();
  }

  document.addEventListener('htmx:afterSettle', () => { if (at >= 0) mark(); });
  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
    if (e.key === 'j') go(1);
    else if (e.key === 'k') go(-1);
    else if (e.key === 'Enter' && at >= 0 && !(e.target.closest && e.target.closest('a,button,summary'))) {
      const row = lines()[at], link = row && row.querySelector('a[href]:not([href^="tel:"])');
      if (link) link.click();
    } else if (e.key === '/') {
      const box = document.querySelector('input[type="search"],.filter select,.filter input');
      if (!box) return;
      e.preventDefault();
      box.focus();
    }
  });
})();
