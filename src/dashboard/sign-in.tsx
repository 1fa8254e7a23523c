/** Signing in and out. A browser is given a session in a cookie that no script can read. */
import type { Context, Hono } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import type { Child } from 'hono/jsx';
import { MillraceError } from '../core/errors.js';
import { here } from './paths.js';

export const SESSION_COOKIE = 'millrace_session';
export const SIGN_IN = '/sign-in';
export const SIGN_OUT = '/sign-out';

/** What a browser is given for a token, and for how many milliseconds. Throws MillraceError where it is no good token. */
export type SignIn = (token: string) => Promise<{ session: string; ms: number }>;

interface Page {
  title: string;
  room: null;
  status?: number;
  body: Child;
}

export function addSignIn(app: Hono, signIn: SignIn, show: (c: Context, page: Page) => Response | Promise<Response>) {
  app.get(SIGN_IN, (c) =>
    show(c, { title: 'Sign in', room: null, body: <Form next={here(c.req.query('next'), '/')} /> }),
  );

  app.post(SIGN_IN, async (c) => {
    const form = await c.req.parseBody();
    const next = here(form.next, '/');
    try {
      const { session, ms } = await signIn(typeof form.token === 'string' ? form.token.trim() : '');
      setCookie(c, SESSION_COOKIE, session, {
        httpOnly: true,
        sameSite: 'Lax',
        path: '/',
        secure: isEncrypted(c),
        maxAge: Math.max(0, Math.min(400 * 86_400, Math.floor(ms / 1000))),
      });
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      return show(c, { title: 'Sign in', room: null, status: 401, body: <Form next={next} fault={error.message} /> });
    }
    return c.redirect(next, 303);
  });

  app.post(SIGN_OUT, (c) => {
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.redirect(SIGN_IN, 303);
  });
}

/** A proxy that ends TLS says so; who lies here gets a cookie that is kept better. */
function isEncrypted(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
}

function Form({ next, fault }: { next: string; fault?: string }) {
  return (
    <>
      <h1>Sign in</h1>
      {fault && (
        <p class="note note-bad" role="alert">
          {fault}
        </p>
      )}
      <form method="post" action={SIGN_IN} class="narrow">
        <input type="hidden" name="next" value={next} />
        <label>
          Token
          <input type="password" name="token" required autofocus autocomplete="current-password" spellcheck={false} />
        </label>
        <button class="primary">Sign in</button>
        <p class="dim">
          Whoever runs this service makes tokens with <code>millrace tokens create</code>.
        </p>
      </form>
    </>
  );
}
