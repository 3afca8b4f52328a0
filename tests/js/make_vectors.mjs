// Writes tests/vectors.json, which phone and server both read:  node tests/js/make_vectors.mjs
// The key in example_key.json signs one example and protects nothing. An existing signature that still verifies is kept,
// so that running this twice changes nothing.
import {readFileSync, writeFileSync} from 'node:fs';
import {load} from './phone.mjs';

const file = new URL('../vectors.json', import.meta.url);
const {canonical} = load();
const {subtle} = globalThis.crypto;

const written = {
  'empty object': '{}',
  'keys are sorted': '{"b":1,"a":{"d":[],"c":null}}',
  'array order stays': '[3,1,2,[true,false,null]]',
  'spaces go': ' { "a" : [ 1 , 2 ] } ',
  'Chinese is escaped in lower case': '{"name":"王奶奶"}',
  'a pair of surrogates is two escapes': '{"words":"笑了😊，䶮𠮷"}',
  'quotes, backslash and slash': '{"words":"say \\"hi\\" \\\\ a/b"}',
  'the five short escapes': '{"words":"a\\b\\f\\n\\r\\tb"}',
  'other control characters are long': '{"words":"\\u0001\\u001f\\u007f\\u0080"}',
  'separators of lines and the byte order mark': '{"words":"\\u2028\\u2029\\ufeff"}',
  'not normalised': '{"words":"e\\u0301 \\u00e9"}',
  'the biggest integers': '{"most":9007199254740991,"least":-9007199254740991,"zero":0}',
  'digits and low lines in keys': '{"a_1":1,"a10":2,"a2":3,"a":4}',
  'thirty-two levels': '['.repeat(31) + '1' + ']'.repeat(31),
  'markup is text': '{"words":"<b onclick=x>&amp;\'"}'
};
const refused = [
  ['a fraction', '{"n":1.5}', 'both'],
  ['a small fraction', '{"n":1e-7}', 'both'],
  ['minus zero', '{"n":-0.0}', 'both'],
  ['beyond 2^53-1', '{"n":9007199254740992}', 'both'],
  ['beyond -(2^53-1)', '{"n":-9007199254740993}', 'both'],
  ['a huge number', '{"n":1e300}', 'both'],
  ['a capital in a key', '{"Name":1}', 'both'],
  ['a digit first in a key', '{"1a":1}', 'both'],
  ['a low line first in a key', '{"_a":1}', 'both'],
  ['an empty key', '{"":1}', 'both'],
  ['a Chinese key', '{"名":1}', 'both'],
  ['a hyphen in a key', '{"a-b":1}', 'both'],
  ['a newline after a key', '{"a\\n":1}', 'both'],
  ['thirty-three levels', '['.repeat(32) + '1' + ']'.repeat(32), 'both'],
  // JSON texts the two languages read differently: no writer of ours makes them.
  ['minus zero as an integer', '{"n":-0}', 'phone'],
  ['a whole number written as a fraction', '{"n":1.0}', 'server'],
  ['a whole number with an exponent', '{"n":1e2}', 'server']
];
// The phone does not seal these; the server can still spell and store them, then sets them aside.
const poison = {
  'NUL': '{"words":"a\\u0000b"}',
  'a lone high surrogate': '{"words":"a\\ud800b"}',
  'a lone low surrogate': '{"words":"\\udc00"}',
  'a pair the wrong way round': '{"words":["\\udc00\\ud800"]}'
};

const digestOf = async text => canonical.hex(await canonical.sha256(canonical.bytes(text)));
const key = JSON.parse(readFileSync(new URL('example_key.json', import.meta.url)));
const {d, ...jwk} = key;

const envelope = {
  v: 1, id: '019aa7c4-5e80-7b21-9c3d-52f0a1b7c9d4', kind: 'ledger.spend', schema: 1, app: '2026.11.21',
  author: '019a9f00-0000-7000-8000-000000000001', device: '019aa000-0000-7000-8000-0000000000d1', gen: 29395200, dseq: 7,
  chain: '019aa7b0-1c00-7c55-8f6e-3b9d2a4e6f10', prev: '019aa7c3-9a10-7d02-a4b6-0c1e2f3a4b5c',
  made_at: '2026-11-21T00:31:07.250Z', mono_ms: 48211, beacon: null,
  body: {
    household: '019a9f10-0000-7000-8000-00000000beef', visit: '019aa7b0-1c00-7c55-8f6e-3b9d2a4e6f10',
    amount_fen: 3650, category: 'food', source: 'cash', words: '买菜，豆腐一块'
  },
  photos: [{field: 'receipt', sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', size: 287344, type: 'image/jpeg'}]
};
const hash = await canonical.digest(envelope);
envelope.hash = canonical.hex(hash);
const verify = async sig => subtle.verify({name: 'ECDSA', hash: 'SHA-256'},
  await subtle.importKey('jwk', jwk, {name: 'ECDSA', namedCurve: 'P-256'}, true, ['verify']), Buffer.from(sig, 'base64url'), hash);
let before = {};
try { before = JSON.parse(readFileSync(file)).signed.envelope; } catch { /* first time */ }
if (before.hash === envelope.hash && await verify(before.sig)) envelope.sig = before.sig;
else {
  const secret = await subtle.importKey('jwk', key, {name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign']);
  envelope.sig = canonical.b64url(new Uint8Array(await subtle.sign({name: 'ECDSA', hash: 'SHA-256'}, secret, hash)));
}
const {hash: _hash, sig: _sig, ...signedMembers} = envelope;

// Spelled by hand, so that the phone's writer is not its own judge: Node's JSON.stringify after sorting.
const sorted = v => Array.isArray(v) ? v.map(sorted) : v && typeof v === 'object'
  ? Object.fromEntries(Object.keys(v).sort().map(k => [k, sorted(v[k])])) : v;
const spell = json => JSON.stringify(sorted(JSON.parse(json)))
  .replace(/[\x7f-\uffff]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
const cases = async table => Promise.all(Object.entries(table).map(async ([name, json]) =>
  ({name, json, canonical: spell(json), sha256: await digestOf(spell(json))})));

const out = {
  cases: await cases(written),
  refusals: refused.map(([name, json, by]) => ({name, json, by})),
  poison: await cases(poison),
  signed: {jwk, canonical: spell(JSON.stringify(signedMembers)), envelope}
};
const text = JSON.stringify(out, null, 1) + '\n';
if (process.argv.includes('--check')) process.exit(readFileSync(file, 'utf8') === text ? 0 : 1);
writeFileSync(file, text);
