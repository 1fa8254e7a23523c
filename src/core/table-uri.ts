import { MillraceError } from './errors.js';

/** A table, or with no table a whole database, by the name of its connection. */
export interface TablePlace {
  connection: string;
  /** Schema and table, or the table alone; exact, never folded. */
  table: string[] | null;
}

const NAMES = /("(?:[^"]|"")+"|[^."]+)/;
const PATH = new RegExp(`^${NAMES.source}(?:\\.${NAMES.source})?$`);

export function isTableUri(uri: string): boolean {
  return /^postgres(ql)?:/i.test(uri);
}

/**
 * `postgres://connection/schema.table`. A name with a dot stands in double quotes.
 * @throws MillraceError `source.secret_in_uri`, `source.bad_uri`; neither says what stands there, for it may be secret
 */
export function parseTableUri(uri: string): TablePlace {
  const [, authority = '', rest = ''] = /^postgres(?:ql)?:\/\/([^/]*)\/?(.*)$/is.exec(uri) ?? [];
  if (/[@:]/.test(authority) || /[?#]/.test(uri)) {
    throw new MillraceError(
      'source.secret_in_uri',
      'a postgres: URL of a job names a connection and a table (postgres://NAME/schema.table); address, user and password belong into the setting MILLRACE_POSTGRES_<NAME>, for a spec is kept with its job',
    );
  }
  const names = rest === '' ? null : PATH.exec(rest);
  if (!/^[a-z][a-z0-9_]*$/i.test(authority) || (rest !== '' && !names)) {
    throw new MillraceError(
      'source.bad_uri',
      'wanted postgres://NAME/schema.table, where NAME is a connection (letters, digits and _) and a name with a dot is in double quotes',
    );
  }
  const plain = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);
  const table = names && names.slice(1).flatMap((name: string | undefined) => (name ? [plain(name)] : []));
  return { connection: authority.toLowerCase(), table };
}
