/* Text size at once: <button name="scale" value="125" data-scale="125"> (100, 125, 160) in the plain form that tells the
   server. Sets the class scale-125 on <html> and aria-pressed; without network only this page changes. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.scale) return;
  const SIZES = ['100', '125', '160'], classes = document.documentElement.classList;

  function show() {
    document.querySelectorAll('[data-scale]').forEach(el => el.setAttribute('aria-pressed', String(classes.contains('scale-' + el.dataset.scale))));
  }

  document.addEventListener('click', e => {
    const button = e.target.closest && e.target.closest('[data-scale]');
    if (!button || !SIZES.includes(button.dataset.scale)) return;
    SIZES.forEach(size => classes.toggle('scale-' + size, size === button.dataset.scale));
    show();
    if (!navigator.onLine) e.preventDefault();
  });

  nc.scale = {start: show};
})();
