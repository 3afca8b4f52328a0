/* Text size at once: <button name="scale" value="125" data-scale="125"> (100, 125, 160) in the plain form that the server
   takes without JavaScript. Sets the class scale-125 on <html>, aria-pressed, and the cookie `scale` that the server reads. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.scale) return;
  const SIZES = ['100', '125', '160'];

  function show() {
    document.querySelectorAll('[data-scale]').forEach(el => {
      el.setAttribute('aria-pressed', String(document.documentElement.classList.contains('scale-' + el.dataset.scale)));
    });
  }

  document.addEventListener('click', e => {
    const button = e.target.closest && e.target.closest('[data-scale]');
    if (!button || !SIZES.includes(button.dataset.scale)) return;
    e.preventDefault();
    SIZES.forEach(size => document.documentElement.classList.toggle('scale-' + size, size === button.dataset.scale));
    document.cookie = `scale=${button.dataset.scale}; path=/; max-age=31536000; SameSite=Lax${location.protocol === 'https:' ? '; Secure' : ''}`;
    show();
  });

  nc.scale = {start: show};
})();
