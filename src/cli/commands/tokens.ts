import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_TENANT, ROLES, isTenant } from '../../core/access.js';
import type { Role } from '../../core/access.js';
import { MillraceError } from '../../core/errors.js';
import { parseDuration } from '../../schema/units.js';
import type { Cli, Register } from '../context.js';
import { widthOf, writeJson, writeLine } from '../io.js';
import { jsonOption } from '../options.js';
import { tableLines } from '../table.js';

interface Made {
  role: Role;
  tenant: string;
  expires?: number;
  note: string;
  file?: string;
  json?: boolean;
}

export const tokensCommand: Register = (program, cli) => {
  const { io } = cli;
  const tokens = program
    .command('tokens')
    .summary('make, list and revoke tokens of the API')
    .description(
      'Tokens that callers of the API bear. What is made or revoked counts within a second, without a restart.',
    );
  const file = () => new Option('--file <file>', 'file of the tokens (default: MILLRACE_TOKENS)');

  tokens
    .command('create')
    .summary('make a token and print it')
    .description('Make a token and print it. It is shown once: the file has only its hash.')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).default('operator'))
    .option('--tenant <tenant>', 'whose jobs and schedules it sees', tenantOf, DEFAULT_TENANT)
    .option('--expires <duration>', 'how long it is good, such as 90d (default: until it is revoked)', durationOf)
    .option('--note <text>', 'what it is for', '')
    .addOption(file())
    .addOption(jsonOption())
    .action(
      cli.action(async ({ role, tenant, expires, note, file: given, json }: Made) => {
        const { createToken } = await import('../../access/tokens.js');
        const path = await fileOf(cli, given);
        const expiresAt = expires === undefined ? null : new Date(Date.now() + expires).toISOString();
        const { token, record } = await createToken(path, { role, tenant, note, expiresAt });
        const { hash: _hash, ...shown } = record;
        if (json) return writeJson(io.stdout, { token, ...shown });
        writeLine(io.stdout, token);
        const until = expiresAt === null ? 'until it is revoked' : `until ${expiresAt}`;
        writeLine(
          io.stderr,
          `Token ${record.id}: ${role} of tenant "${tenant}", good ${until}. It is not shown again.`,
        );
      }),
    );

  tokens
    .command('list')
    .summary('list the tokens')
    .description('List the tokens: what they may do, and how long. The tokens themselves are kept nowhere.')
    .addOption(file())
    .addOption(jsonOption())
    .action(
      cli.action(async ({ file: given, json }: { file?: string; json?: boolean }) => {
        const { readTokens } = await import('../../access/tokens.js');
        const known = (await readTokens(await fileOf(cli, given))).map(({ hash: _hash, ...shown }) => shown);
        if (json) return writeJson(io.stdout, known);
        if (known.length === 0) return writeLine(io.stderr, 'No tokens; "millrace tokens create" makes one');
        const names = ['id', 'role', 'tenant', 'expires', 'note'].map((name) => ({ name, align: 'left' as const }));
        const rows = known.map(({ id, role, tenant, expiresAt, note }) => [
          id,
          role,
          tenant,
          expiresAt ?? 'never',
          note,
        ]);
        for (const line of tableLines(names, rows, { width: widthOf(io.stdout), style: cli.style })) {
          writeLine(io.stdout, line);
        }
      }),
    );

  tokens
    .command('revoke')
    .summary('revoke a token')
    .description('Revoke a token, and the sign-ins that were made with it')
    .argument('<id>', 'its id, as "tokens list" has it')
    .addOption(file())
    .action(
      cli.action(async (id: string, { file: given }: { file?: string }) => {
        const { revokeToken } = await import('../../access/tokens.js');
        const path = await fileOf(cli, given);
        if (!(await revokeToken(path, id))) {
          throw new MillraceError(
            'access.unknown_token',
            `"${path}" has no token "${id}"; "millrace tokens list" has all`,
          );
        }
        writeLine(io.stderr, `Token ${id} is revoked`);
      }),
    );
};

async function fileOf({ io }: Cli, given: string | undefined): Promise<string> {
  const { loadConfig } = await import('../../config.js');
  const flags = given === undefined ? {} : { tokens: given };
  const file = loadConfig({ env: io.env, flags, cwd: io.cwd }).access?.tokens;
  if (file !== undefined) return file;
  throw new MillraceError(
    'usage.tokens',
    'No file of tokens: set MILLRACE_TOKENS for this command and the API, or name one with --file',
  );
}

function tenantOf(text: string): string {
  if (isTenant(text)) return text;
  throw new InvalidArgumentError('Wanted small letters, digits and hyphens, at most 63.');
}

function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new InvalidArgumentError('Wanted a duration such as 12h or 90d.');
}
