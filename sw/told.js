/* The worker behind push: shows the one sentence of SAYS (webapp/web/pwa.py), whatever comes, and opens the front page. A second
   push takes the place of the first. */
self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('push', event => event.waitUntil(
  self.registration.showNotification(SAYS.title, {body: SAYS.body, icon: SAYS.icon, tag: 'urgent', renotify: true, requireInteraction: true})));

self.addEventListener('notificationclick', event => {
  event.notification.close();
  event.waitUntil((async () => {
    const open = await self.clients.matchAll({type: 'window', includeUncontrolled: true});
    const here = open.find(client => new URL(client.url).pathname === '/');
    return here ? here.focus() : self.clients.openWindow('/');
  })());
});
