/* One spelling for one record: the canonical JSON that phone and server both hash (docs/protocol.md).
   nc.canonical.text(value) refuses (TypeError naming the place) what the server would not read back alike:
   fractions, -0, beyond 2^53-1, odd keys, more than 32 levels, NUL and lone surrogates.
   Needs no markup. */
(() => {
  const nc = self.nc = self.nc || {};
  const DEPTH = 32, KEY = /^[a-z][a-z0-9_]*$/;
  const POISON = /[\0\ud800-\udfff]/u;   // with the u flag a surrogate class meets only lone ones

  function text(value, where = '$', depth = DEPTH) {
    const refuse = why => { throw new TypeError(`${where}: ${why}`); };
    if (!depth) refuse('too deep');
    if (value === null || typeof value === 'boolean') return String(value);
    if (typeof value === 'string') return POISON.test(value) ? refuse('NUL or lone surrogate') : quote(value);
    if (typeof value === 'number') {
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : refuse(`number ${value}`);
    }
    if (Array.isArray(value)) return `[${value.map((v, n) => text(v, `${where}[${n}]`, depth - 1)).join()}]`;
    if (typeof value !== 'object') refuse(typeof value);
    return `{${Object.keys(value).sort().map(key => {
      if (!KEY.test(key)) refuse(`key ${JSON.stringify(key)}`);
      return `"${key}":${text(value[key], `${where}.${key}`, depth - 1)}`;
    }).join()}}`;
  }

  const quote = s => JSON.stringify(s).replace(/[\x7f-\uffff]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

  /** What a person typed or pasted, without the characters no database takes. */
  const clean = s => s.replace(/\0/g, '').replace(/[\ud800-\udfff]/gu, '\ufffd');

  const bytes = s => new TextEncoder().encode(s);
  const sha256 = async data => new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  const hex = data => Array.from(data, b => b.toString(16).padStart(2, '0')).join('');

  /** SHA-256 of all members but `hash` and `sig`, 32 bytes. */
  function digest(envelope) {
    const rest = Object.assign({}, envelope);
    delete rest.hash;
    delete rest.sig;
    return sha256(bytes(text(rest)));
  }

  function b64(data) {
    let s = '';
    for (let i = 0; i < data.length; i += 8192) s += String.fromCharCode.apply(null, data.subarray(i, i + 8192));
    return btoa(s);
  }
  const b64url = data => b64(data).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

  function uuid7(at = Date.now()) {
    const b = crypto.getRandomValues(new Uint8Array(16));
    for (let i = 5; i >= 0; i--, at = Math.floor(at / 256)) b[i] = at % 256;
    b[6] = b[6] & 15 | 112;
    b[8] = b[8] & 63 | 128;
    return hex(b).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  nc.canonical = {text, clean, bytes, sha256, hex, digest, b64, b64url, uuid7};
})();
