/* Tables by keyboard: in [data-rowkeys] j and k go to the next and the previous line, Enter opens its first link, / goes to
   the search box or the first filter of the page. Nothing happens while somebody types. The marked line has aria-current. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.rowkeys) return;
  nc.rowkeys = true;
  const typing = el => el && el.closest && el.closest('input,select,textarea,[contenteditable]');

  function go(step) {
    const rows = Array.from(document.querySelectorAll('[data-rowkeys] tbody tr'));
    if (!rows.length) return;
    const here = rows.findIndex(row => row.hasAttribute('aria-current'));
    const next = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
    if (here >= 0) rows[here].removeAttribute('aria-current');
    next.setAttribute('aria-current', 'true');
    next.scrollIntoView({block: 'nearest'});
    const link = next.querySelector('a[href]:not([href^="tel:"])');
    if (link) link.focus({preventScroll: true});
  }

  document.addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
    if (e.key === 'j') go(1);
    else if (e.key === 'k') go(-1);
    else if (e.key === '/') {
      const box = document.querySelector('input[type="search"],.filter select,.filter input');
      if (!box) return;
      e.preventDefault();
      box.focus();
    }
  });
})();
