/* <button data-copy="id" hidden> copies a field's text, says so in [data-copied]; shown only where a script can do it. */
(() => {
  const copy = field => {
    field.focus();
    field.select();
    field.setSelectionRange(0, field.value.length);
    return document.execCommand('copy');
  };
  document.querySelectorAll('[data-copy]').forEach(el => {
    el.hidden = false;
    el.addEventListener('click', () => {
      const said = el.parentNode.querySelector('[data-copied]');
      if (copy(document.getElementById(el.dataset.copy)) && said) said.hidden = false;
    });
  });
})();
