/* <button data-aloud="id" hidden> reads an element aloud; shown only where the browser has a voice. A second tap stops it. */
(() => {
  const voice = window.speechSynthesis;
  if (!voice || !window.SpeechSynthesisUtterance) return;
  document.querySelectorAll('[data-aloud]').forEach(el => {
    el.hidden = false;
    el.addEventListener('click', () => {
      const speaking = voice.speaking;
      voice.cancel();
      if (speaking) return;
      const told = document.getElementById(el.dataset.aloud);
      const said = new SpeechSynthesisUtterance(told.value || told.innerText);
      said.lang = told.closest('[lang]').lang;
      said.rate = 0.8;
      voice.speak(said);
    });
  });
})();
