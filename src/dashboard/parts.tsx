/** What several pages are made of. */
import type { Child, PropsWithChildren } from 'hono/jsx';
import { count } from '../core/figures.js';
import type { JobState } from '../core/job.js';
import type { Problem } from '../schema/views.js';

export function State({ state }: { state: JobState | 'active' }) {
  return <span class={`state state-${state}`}>{state.replaceAll('_', ' ')}</span>;
}

/** A moment, RFC 3339. The script says how long ago that is, or, where it is to be exact, when in the reader's own zone. */
export function Moment({ at, exact = false }: { at: string | null | undefined; exact?: boolean }) {
  if (!at) return <>–</>;
  return (
    <time datetime={at} data-exact={exact || undefined}>
      {at.slice(0, 19).replace('T', ' ')} UTC
    </time>
  );
}

/** Names and values side by side; without those that there is no value for. */
export function Facts({ facts }: { facts: Array<readonly [name: string, value: unknown]> }) {
  const told = facts.filter(([, value]) => value);
  return (
    <dl class="facts">
      {told.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value as string}</dd>
        </div>
      ))}
    </dl>
  );
}

/** One button that orders something: a form, so that it works without a script. */
export function Order({
  to,
  label,
  fields = {},
  kind = '',
  confirm,
}: {
  to: string;
  label: string;
  fields?: Record<string, string>;
  kind?: 'primary' | 'danger' | '';
  confirm?: string;
}) {
  return (
    <form method="post" action={to}>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <button class={kind} data-confirm={confirm}>
        {label}
      </button>
    </form>
  );
}

/** A part of the page that the script renews. */
export function Live({ id, children }: PropsWithChildren<{ id: string }>) {
  return (
    <div id={id} data-live>
      {children}
    </div>
  );
}

export function ProblemNote({ problem }: { problem: Pick<Problem, 'code' | 'title' | 'detail' | 'errors'> }) {
  const more = problem.errors.filter(({ message }) => !problem.detail.includes(message));
  return (
    <div class="note note-bad" role="alert">
      <strong>{problem.title}</strong> <code>{problem.code}</code>
      <p>{problem.detail}</p>
      {more.length > 0 && (
        <ul>
          {more.map(({ path, message }) => (
            <li>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A table that may be wider than the window; the keyboard scrolls it too. */
export function Table({
  label,
  caption,
  columns,
  kind,
  children,
}: PropsWithChildren<{
  label: string;
  caption?: Child;
  /** Their names; a hidden one is there for those who do not see it. */
  columns: ReadonlyArray<string | { hidden: string }>;
  kind?: 'data' | 'jobs';
}>) {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={label}>
      <table class={kind}>
        {caption && <caption>{caption}</caption>}
        <thead>
          <tr>
            {columns.map((name) => (
              <th scope="col">{typeof name === 'string' ? name : <span class="hidden">{name.hidden}</span>}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** The same in the Temporal Web UI and as JSON. */
export function Elsewhere({ temporal, self }: { temporal: string | null; self: string }) {
  return (
    <>
      {temporal && (
        <>
          <a href={temporal}>Temporal Web UI</a>
          {' · '}
        </>
      )}
      <a href={self}>JSON</a>
    </>
  );
}

/** Rows as they came; whatever is in them is text. */
export function RowTable({
  caption,
  columns,
  rows,
  total,
}: {
  caption: string;
  columns: string[];
  rows: ReadonlyArray<Record<string, unknown>>;
  total?: number;
}) {
  return (
    <>
      <Table label={caption} caption={caption} columns={columns} kind="data">
        {rows.map((row) => (
          <tr>
            {columns.map((name) => (
              <Cell value={row[name]} />
            ))}
          </tr>
        ))}
      </Table>
      {total !== undefined && total > rows.length && (
        <p class="dim">
          The first {count(rows.length)} of {count(total)}.
        </p>
      )}
    </>
  );
}

const MAX_CELL = 200;

function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <td class="null">null</td>;
  if (typeof value === 'number') return <td class="number">{String(value)}</td>;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return <td>{text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text}</td>;
}
