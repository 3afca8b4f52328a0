/* Events of the worker, and nothing else: install, activate, message, fetch, sync. VERSION and SHELL stand before this file
   (webapp/web/pwa.py): a digest of everything the worker brings, and the files of the shell. */
self.addEventListener('install', event => event.waitUntil(nc.shell.lay()));

self.addEventListener('activate', event => event.waitUntil(nc.shell.clear().then(() => self.clients.claim())));

// A new worker takes over only when a page says so: by a tap, never while something is being written or sent.
self.addEventListener('message', event => {
  if (event.data && event.data.take) self.skipWaiting();
});

self.addEventListener('fetch', event => {
  const answer = nc.routes.answer(event.request);
  if (answer) event.respondWith(answer);
});

self.addEventListener('sync', event => {
  if (event.tag === 'outbox') event.waitUntil(nc.send.flush({soon: true}));
});
