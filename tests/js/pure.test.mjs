// What the phone's scripts can prove without a browser:  node --test tests/js/
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {load} from './phone.mjs';

const vectors = JSON.parse(readFileSync(new URL('../vectors.json', import.meta.url)));
const {canonical} = load();
const {subtle} = globalThis.crypto;
// An error of the other global is not an instance of ours: compare by name.
const refuses = deed => assert.throws(deed, e => e.name === 'TypeError');

for (const {name, json, canonical: want, sha256} of vectors.cases) {
  test(`spells ${name}`, async () => {
    assert.equal(canonical.text(JSON.parse(json)), want);
    assert.equal(canonical.hex(await canonical.sha256(canonical.bytes(want))), sha256);
  });
}
for (const {name, json, by} of vectors.refusals.filter(r => r.by !== 'server')) {
  test(`refuses ${name} (${by})`, () => refuses(() => canonical.text(JSON.parse(json))));
}
for (const {name, json} of vectors.poison) {
  test(`refuses ${name}, and cleans it`, () => {
    const value = JSON.parse(json), words = [].concat(value.words);
    refuses(() => canonical.text(value));
    canonical.text(words.map(canonical.clean));
  });
}

test('refuses what JSON does not know', () => {
  for (const value of [undefined, NaN, Infinity, () => 1, 1n, Symbol('a'), {a: undefined}]) refuses(() => canonical.text(value));
});

test('names the place of what it refuses', () => {
  assert.throws(() => canonical.text({a: [{b: 1.5}]}), /\$\.a\[0\]\.b/);
});

test('the example is hashed over all members but hash and sig, and its signature verifies', async () => {
  const {envelope, jwk, canonical: want} = vectors.signed, rest = {...envelope};
  delete rest.hash;
  delete rest.sig;
  assert.equal(canonical.text(rest), want);
  const hash = await canonical.digest(envelope);
  assert.equal(canonical.hex(hash), envelope.hash);
  const key = await subtle.importKey('jwk', jwk, {name: 'ECDSA', namedCurve: 'P-256'}, true, ['verify']);
  const sig = Buffer.from(envelope.sig, 'base64url');
  assert.equal(sig.length, 64);
  assert.ok(await subtle.verify({name: 'ECDSA', hash: 'SHA-256'}, key, sig, hash));
  hash[0] ^= 1;
  assert.ok(!await subtle.verify({name: 'ECDSA', hash: 'SHA-256'}, key, sig, hash));
});

test('a key is a UUID version 7 of its moment', () => {
  const at = 1763685067250, id = canonical.uuid7(at);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(parseInt(id.replace(/-/g, '').slice(0, 12), 16), at);
  assert.equal(new Set(Array.from({length: 999}, () => canonical.uuid7(at))).size, 999);
});

test('base64url has no padding and survives long data', () => {
  const data = Uint8Array.from({length: 20001}, (_, i) => i * 7);
  assert.equal(canonical.b64url(data), Buffer.from(data).toString('base64url'));
});

test('an amount is read as the person means it', () => {
  const {fen, int} = load('keep').keep;
  for (const [text, want] of [['36.50', 3650], ['36.5', 3650], ['36', 3600], ['0.07', 7], ['１２．３', 1230], ['¥1,200', 120000],
    ['12。5', 1250], [' 8 元', 800], ['-3.2', -320], ['0', 0], ['-0', 0]]) assert.ok(Object.is(fen(text), want), text);
  for (const text of ['', '1.234', '1.', '.5', 'abc', '1e3', '1-2', '36,5', '1,2345', '1 2', '12345678901234']) assert.equal(fen(text), null, text);
  for (const [text, want] of [['128', 128], ['１２８', 128], ['-5', -5], ['-0', 0]]) assert.ok(Object.is(int(text), want), text);
  for (const text of ['', '1.5', 'x', '1234567890123456']) assert.equal(int(text), null, text);
});

test('the keypad takes at most two decimals and seven figures', () => {
  const {press} = load('keypad').keypad;
  const type = keys => keys.split('').reduce((text, key) => press(text, key), '');
  assert.equal(type('36.50'), '36.50');
  assert.equal(type('36.505'), '36.50');
  assert.equal(type('1.2.3'), '1.23');
  assert.equal(type('.5'), '0.5');
  assert.equal(type('007'), '7');
  assert.equal(type('123456789'), '1234567');
  assert.equal(press('12', 'back'), '1');
  assert.equal(press('12', 'clear'), '');
});

test('money is shown as the server shows it', () => {
  const {money} = load('outbox', 'overlay').overlay;
  for (const [fen, want] of [[3650, '36.50'], [0, '0.00'], [-123456, '−1,234.56'], [100000000, '1,000,000.00'], [5, '0.05']]) assert.equal(money(fen), want);
});

test('waiting grows from a second to five minutes, never two phones alike', () => {
  const {backoff} = load('outbox', 'send').send;
  assert.equal(backoff(0, 1), 1000);
  assert.equal(backoff(0, 0), 500);
  assert.equal(backoff(3, 1), 8000);
  assert.equal(backoff(99, 1), 300000);
});

test('only a receipt that matches id and hash counts', () => {
  const {verdict} = load('outbox', 'send').send, envelope = {id: 'a', hash: 'b'};
  const answer = (status, type = 'application/json', more = {}) => ({status, headers: new Headers({'Content-Type': type, ...more})});
  const receipt = JSON.stringify({id: 'a', hash: 'b', state: 'applied', seq: 1});
  for (const status of [200, 201]) assert.ok(verdict(answer(status), receipt, envelope).receipt);
  for (const state of ['waiting', 'quarantined', 'conflict']) assert.ok(verdict(answer(200), receipt.replace('applied', state), envelope).receipt);
  const later = [[200, '<html>welcome to the wifi'], [200, 'null'], [200, '[]'], [200, '{"ok":true}'], [200, receipt.replace('"a"', '"x"')],
    [200, receipt.replace('"b"', '"x"')], [200, receipt.replace('applied', 'done')], [200, receipt.replace('1', '"1"')], [202, receipt],
    [0, ''], [302, receipt], [401, receipt], [404, ''], [409, ''], [500, receipt], [502, '']];
  for (const [status, text] of later) assert.equal(JSON.stringify(verdict(answer(status), text, envelope)), '{}', `${status} ${text}`);
  assert.equal(verdict(answer(403), '{}', envelope).held, 'device');
  assert.equal(verdict(answer(400), '{}', envelope).held, 'unreadable');
  assert.equal(verdict(answer(413, 'text/html'), '', envelope).held, 'big');
  assert.equal(verdict(answer(403, 'text/html'), '<h1>Please log in to the wifi', envelope).held, undefined);
  assert.equal(verdict(answer(503, 'text/html', {'Retry-After': '7'}), '', envelope).wait, 7000);
  assert.equal(verdict(answer(429), '', envelope).wait, 5000);
  assert.equal(verdict(answer(503, 'text/html', {'Retry-After': '999999'}), '', envelope).wait, 900000);
});

test('a card of any house is read, other codes are not', () => {
  const {tokenOf} = load('scan').scan;
  assert.equal(tokenOf('https://care.example/c/ABCDEFGHJKMNPQRSTVWXYZ2345'), 'ABCDEFGHJKMNPQRSTVWXYZ2345');
  assert.equal(tokenOf('HTTPS://CARE.EXAMPLE/C/ABCDEFGHJKMNPQRSTVWXYZ2345'), 'ABCDEFGHJKMNPQRSTVWXYZ2345');
  assert.equal(tokenOf('http://127.0.0.1:8000/c/abcdefgh2345\n'), 'ABCDEFGH2345');
  for (const text of ['6901234567892', 'https://care.example/', 'https://care.example/c/', 'https://care.example/c/A?x=1',
    'weixin://c/ABCDEFGH2345', 'https://care.example/x/c/ABCDEFGH2345']) assert.equal(tokenOf(text), null, text);
});
