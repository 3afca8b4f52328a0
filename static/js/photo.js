/* Photos are shrunk here: longest side 1600, JPEG, about 180 kB, named by SHA-256; EXIF and place are gone with it.
   <input type="file" accept="image/*" name="receipt" data-photo> in a kept form; beside it, optional:
   [data-photo-thumbs] with a <template> of one thumb (an <img>, a button [data-photo-remove]); [data-photo-wrong] is shown
   for a picture this phone cannot read, [data-photo-full] when under 50 MB are free (text is always taken). */
(() => {
  const nc = self.nc = self.nc || {};
  if (nc.photo) return;
  const GOAL = 180000, KEPT_AS_IS = /^image\/(jpeg|png|webp)$/, taken = new WeakMap();   // input -> [{promise, url}]

  function decode(file) {
    return new Promise((done, sorry) => {
      const image = new Image(), url = URL.createObjectURL(file);
      image.onload = () => done([image, url]);
      image.onerror = () => { URL.revokeObjectURL(url); sorry(new Error('unreadable')); };
      image.src = url;
    });
  }

  async function shrink(file) {
    let decoded;
    try { decoded = await decode(file); } catch (e) {
      if (KEPT_AS_IS.test(file.type) && file.size < 5e6) return file;   // the server may read what we cannot
      throw e;
    }
    const [image, url] = decoded, canvas = document.createElement('canvas');
    let blob = null;
    // An <img> drawn by the browser is upright already, whatever the EXIF says.
    for (const [side, quality] of [[1600, 0.75], [1600, 0.6], [1600, 0.45], [1280, 0.5], [1280, 0.4]]) {
      const scale = Math.min(1, side / Math.max(image.naturalWidth, image.naturalHeight));
      canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
      canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
      canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
      blob = await new Promise(done => canvas.toBlob(done, 'image/jpeg', quality));
      if (blob && blob.size <= GOAL) break;
    }
    URL.revokeObjectURL(url);
    canvas.width = canvas.height = 0;                                  // iOS counts canvas memory
    if (!blob) throw new Error('unreadable');
    return blob;
  }

  async function take(field, file) {
    const blob = await shrink(file), data = await blob.arrayBuffer();  // a stored File can come back truncated on iOS
    return {field, sha256: nc.canonical.hex(await nc.canonical.sha256(data)), size: data.byteLength, type: blob.type, data};
  }

  const near = (input, selector) => (input.closest('[data-photo-box]') || input.form).querySelectorAll(selector);
  const mark = (input, selector, on) => near(input, selector).forEach(el => { el.hidden = !on; });

  async function chosen(input) {
    const {quota = 0, usage = 0} = navigator.storage && navigator.storage.estimate ? await navigator.storage.estimate() : {};
    const full = quota > 0 && quota - usage < 5e7;
    mark(input, '[data-photo-full]', full);
    mark(input, '[data-photo-wrong]', false);
    if (full) return forget(input);
    if (!input.multiple) drop(input);
    const files = Array.from(input.files), list = taken.get(input) || [];
    taken.set(input, list);
    for (const file of files) {
      const shot = {promise: take(input.name, file)};
      list.push(shot);
      shot.promise.then(() => show(input, shot, file), () => {
        list.splice(list.indexOf(shot), 1);
        if (!list.length) input.value = '';                            // so that a required photo is asked for again
        mark(input, '[data-photo-wrong]', true);
      });
    }
  }

  function show(input, shot, file) {
    for (const template of near(input, '[data-photo-thumbs] template')) {
      const clone = template.content.cloneNode(true), thumb = clone.firstElementChild;
      shot.url = URL.createObjectURL(file);
      shot.thumb = thumb;
      clone.querySelector('img').src = shot.url;
      const button = clone.querySelector('[data-photo-remove]');
      if (button) button.addEventListener('click', () => {
        const list = taken.get(input) || [];
        if (list.includes(shot)) list.splice(list.indexOf(shot), 1);
        unshow(shot);
        input.value = '';
      });
      template.parentNode.appendChild(clone);
    }
  }

  function unshow({thumb, url}) {
    if (thumb) thumb.remove();
    if (url) URL.revokeObjectURL(url);
  }

  function drop(input) {
    (taken.get(input) || []).forEach(unshow);
    taken.delete(input);
  }

  function forget(input) {
    drop(input);
    input.value = '';
  }

  const inputs = form => Array.from(form.elements).filter(el => el.type === 'file' && el.name);

  /** The form's photos, shrunk: [{field, sha256, size, type, data}]; waits for those still being shrunk. */
  async function of(form) {
    const shots = [];
    for (const input of inputs(form)) {
      if (!taken.has(input) && input.files.length) await chosen(input);
      for (const shot of taken.get(input) || []) shots.push(await shot.promise.catch(() => null));
    }
    return shots.filter(Boolean);
  }

  document.addEventListener('change', e => {
    if (e.target.type === 'file' && e.target.closest('form[data-kept]')) chosen(e.target);
  });

  nc.photo = {of, clear: form => inputs(form).forEach(forget), shrink};
})();
