/* Being told while no page is open: <body data-push="public key" data-push-as="sign-in">, and on one page <section data-push-box
   hidden> with buttons [data-push-on], [data-push-off] and sentences [data-push-no], shown when the browser will not. The browser
   remembers who asked for it; under a new sign-in of the same person its address is told anew. */
(() => {
  const {push: key, pushAs: under, account} = document.body.dataset, SCOPE = '/told/', KEPT = 'push';
  if (!key || !account || !navigator.serviceWorker || !self.PushManager || !self.Notification) return;
  const box = document.querySelector('[data-push-box]'), mark = `${account} ${under}`;

  const raw = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
  const mine = () => (localStorage.getItem(KEPT) || '').startsWith(`${account} `);

  async function here() {
    const found = await navigator.serviceWorker.getRegistration(SCOPE);
    return found ? found.pushManager.getSubscription() : null;
  }

  // In the reader's language, which the browser does not tell when it fetches a worker.
  const register = () => navigator.serviceWorker.register('/told.js?lang=' + document.documentElement.lang.slice(0, 2), {scope: SCOPE});

  async function worker() {
    const made = await register(), fresh = made.installing || made.waiting;
    if (!made.active && fresh) await new Promise(done => fresh.addEventListener('statechange', () => fresh.state === 'activated' && done()));
    return made;
  }

  async function tell(endpoint, on) {
    const csrf = document.querySelector('meta[name="csrf-token"]');
    const got = await fetch('/me/push', {method: 'POST', headers: {'X-CSRFToken': csrf.content}, body: new URLSearchParams({endpoint, on})});
    if (!got.ok) throw new Error(String(got.status));
  }

  async function on() {
    if (await Notification.requestPermission() !== 'granted') throw new Error('denied');
    const wish = {userVisibleOnly: true, applicationServerKey: raw(key)};
    const got = await here() || await (await worker()).pushManager.subscribe(wish);
    await tell(got.endpoint, '1');
    localStorage.setItem(KEPT, mark);
  }

  async function off() {
    const got = await here();
    localStorage.removeItem(KEPT);
    if (!got) return;
    await tell(got.endpoint, '0');
    await got.unsubscribe();
  }

  async function show(no) {
    if (!box) return;
    const told = !!await here() && mine();
    box.hidden = false;
    box.querySelector('[data-push-on]').hidden = told;
    box.querySelector('[data-push-off]').hidden = !told;
    box.querySelector('[data-push-no]').hidden = !no;
  }

  const tapped = deed => () => deed().then(() => show(false), () => show(true));
  if (box) {
    box.querySelector('[data-push-on]').addEventListener('click', tapped(on));
    box.querySelector('[data-push-off]').addEventListener('click', tapped(off));
  }

  (async () => {
    const got = await here();
    if (got) await register();
    if (got && mine() && localStorage.getItem(KEPT) !== mark) {
      await tell(got.endpoint, '1');
      localStorage.setItem(KEPT, mark);
    }
    await show(false);
  })().catch(() => {});
})();
