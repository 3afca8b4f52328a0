// The phone's scripts in Node: the same classic files, one global each call, only what pure parts need.
import {readFileSync} from 'node:fs';
import vm from 'node:vm';

/** `nc` after running static/js/<names>.js in order, in a fresh global. */
export function load(...names) {
  const page = new EventTarget();
  const world = {
    crypto: globalThis.crypto, TextEncoder, btoa, setTimeout: () => 0, clearTimeout() {}, setInterval: () => 0, console,
    performance, URL, AbortController, navigator: {onLine: true}, addEventListener() {},
    document: Object.assign(page, {querySelectorAll: () => [], querySelector: () => null, readyState: 'complete', body: {dataset: {}}})
  };
  world.self = world;
  vm.createContext(world);
  for (const name of ['canonical', ...names]) {
    vm.runInContext(readFileSync(new URL(`../../static/js/${name}.js`, import.meta.url), 'utf8'), world, {filename: `${name}.js`});
  }
  return world.nc;
}
