import type { PropsWithChildren } from 'hono/jsx';
import type { Principal } from '../core/access.js';
import { SIGN_OUT } from './sign-in.js';

/** How the script keeps a page up to date: by the events of a job, or by looking every so many milliseconds. */
export type Renewal = { events: string } | { everyMs: number };

const ROOMS = [
  ['/', 'Jobs'],
  ['/schedules', 'Schedules'],
  ['/workers', 'Workers'],
  ['/submit', 'New job'],
] as const;

export type Room = (typeof ROOMS)[number][0];

/** The frame of every page. */
export function Layout({
  title,
  room,
  version,
  renewal,
  caller,
  children,
}: PropsWithChildren<{
  title: string;
  room: Room | null;
  version: string;
  renewal?: Renewal;
  /** Who signed in; null where nobody is asked. */
  caller: Principal | null;
}>) {
  const asset = (name: string) => `/assets/${name}?${encodeURIComponent(version)}`;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Millrace`}</title>
        <link rel="icon" href={asset('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={asset('app.css')} />
        <script type="module" src={asset('app.js')}></script>
      </head>
      <body
        data-events={renewal && 'events' in renewal ? renewal.events : undefined}
        data-every={renewal && 'everyMs' in renewal ? String(renewal.everyMs) : undefined}
      >
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header>
          <a class="brand" href="/">
            Millrace
          </a>
          <nav aria-label="Main">
            {ROOMS.map(([path, name]) => (
              <a href={path} aria-current={path === room ? 'page' : undefined}>
                {name}
              </a>
            ))}
          </nav>
          <span id="link" role="status"></span>
          {caller && (
            <form method="post" action={SIGN_OUT} class="caller">
              <span class="dim">
                {caller.subject} · {caller.role} of {caller.tenant}
              </span>
              <button>Sign out</button>
            </form>
          )}
        </header>
        <main id="main">{children}</main>
        <footer>
          Millrace {version} · <a href="/docs">API</a> · <a href="/readyz">ready?</a>
        </footer>
      </body>
    </html>
  );
}
