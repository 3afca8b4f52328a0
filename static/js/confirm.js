/* Ask by a second tap: <button data-confirm="真的要退出吗？再点一次">. The first tap only shows the question on the button
   (data-asking is set, for its look) for six seconds; a double tap by a shaking hand is one tap. */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.confirm) return;
  const asked = new WeakMap();

  function ask(button) {
    const before = Array.from(button.childNodes), back = () => {
      asked.delete(button);
      button.removeAttribute('data-asking');
      button.replaceChildren ? button.replaceChildren(...before) : (button.textContent = '', before.forEach(n => button.appendChild(n)));
    };
    asked.set(button, {at: Date.now(), back, bell: setTimeout(back, 6000)});
    button.setAttribute('data-asking', '');
    button.setAttribute('aria-live', 'assertive');
    button.textContent = button.dataset.confirm;
  }

  document.addEventListener('click', e => {
    const button = e.target.closest && e.target.closest('[data-confirm]'), open = button && asked.get(button);
    if (!button || open && Date.now() - open.at > 500) {
      if (open) { clearTimeout(open.bell); setTimeout(open.back); }
      return;
    }
    e.preventDefault();
    e.stopImmediatePropagation();
    if (!open) ask(button);
  }, true);

  nc.confirm = {};
})();
