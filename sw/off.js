/* The worker that ends the worker (WORKER=off): lets go of the shell, never of what was recorded, and leaves. */
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== 'nuanchao-spare') await caches.delete(name);   // that is unsent work
  await self.registration.unregister();
  for (const client of await self.clients.matchAll({type: 'window'})) client.navigate(client.url).catch(() => {});
})()));
