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
      const said = new SpeechSynthesisUtterance(document.getElementById(el.dataset.aloud).innerText);
      said.lang = document.documentElement.lang;
      said.rate = 0.8;
      voice.speak(said);
    });
  });
})();
