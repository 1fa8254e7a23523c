/** Keeps the pages of the dashboard up to date. All of them work without it. */

const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
/** A page that takes long to make is asked for less often: it is made at most this share of the time. */
const BUSY_SHARE = 0.2;
const LEAST_MS = 1000;

function tellTimes(root = document) {
  for (const time of root.querySelectorAll('time')) {
    const moment = new Date(time.dateTime);
    const seconds = (moment.getTime() - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, unitSize]) => Math.abs(seconds) >= unitSize) ?? UNITS.at(-1);
    const text = 'exact' in time.dataset ? ABSOLUTE.format(moment) : RELATIVE.format(Math.round(seconds / size), unit);
    if (time.textContent !== text) time.textContent = text;
    time.title = ABSOLUTE.format(moment);
  }
}

/** Whether the reader is at something in there that a renewal would take away. */
function inUse(element) {
  return element.contains(document.activeElement) || element.querySelector('input:checked') !== null;
}

/** Asks for the page again and puts the parts in place that have changed. */
async function renew() {
  const response = await fetch(location.href, { headers: { accept: 'text/html', 'x-millrace-renewal': '1' } });
  // Signed out meanwhile: the page itself leads to the sign-in, and back.
  if (response.redirected) return location.reload();
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  document.title = next.title;
  for (const part of document.querySelectorAll('[data-live]')) {
    const fresh = next.getElementById(part.id);
    if (!fresh || inUse(part)) continue;
    tellTimes(fresh);
    if (!fresh.isEqualNode(part)) part.replaceWith(document.adoptNode(fresh));
  }
}

const link = document.getElementById('link');

/** @returns asks for a renewal; several in a short time become one */
function renewer() {
  let timer;
  let pause = LEAST_MS;
  let wanted = false;
  const run = async () => {
    wanted = false;
    const began = performance.now();
    try {
      await renew();
      link.textContent = '';
    } catch {
      link.textContent = 'The service does not answer';
    }
    pause = Math.max(LEAST_MS, (performance.now() - began) / BUSY_SHARE);
    timer = setTimeout(() => {
      timer = undefined;
      if (wanted) void run();
    }, pause);
  };
  return () => {
    wanted = true;
    if (timer === undefined) {
      timer = 0;
      void run();
    }
  };
}

const { events, every } = document.body.dataset;
const wantRenewal = renewer();

if (events) {
  const source = new EventSource(events);
  source.addEventListener('job', wantRenewal);
  source.addEventListener('end', () => {
    source.close();
    wantRenewal();
  });
  source.addEventListener('trouble', (event) => {
    link.textContent = JSON.parse(event.data).message;
  });
  source.addEventListener('open', () => (link.textContent = ''));
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.OPEN) link.textContent = 'The service does not answer';
    // It was refused, not lost: a renewal finds out why.
    if (source.readyState === EventSource.CLOSED) wantRenewal();
  });
}
if (every) {
  setInterval(() => {
    if (document.visibilityState === 'visible') wantRenewal();
  }, Number(every));
}

tellTimes();
setInterval(tellTimes, 5000);

document.addEventListener('submit', (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener('input', ({ target }) => {
  if ('output' in target.dataset) target.closest('label').querySelector('output').textContent = target.value;
});
