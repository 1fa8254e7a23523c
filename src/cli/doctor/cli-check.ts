import type { Config } from '../../core/config.js';
import { MillraceError } from '../../core/errors.js';
import { ok, warn, type Check } from './check.js';

const NAME = 'temporal cli';
/** The ways that only look; the others bring a binary, which a check must not. */
const LOOKING = new Set(['TEMPORAL_CLI_PATH', 'PATH', 'cache']);

/** The `temporal` CLI that `dev` and `demo` start servers with. Its absence is no fault: they bring one. */
export async function checkTemporalCli(config: Config, env: Record<string, string | undefined>): Promise<Check> {
  const { WAYS, findOrBringCli } = await import('../../temporal/find-cli.js');
  const ways = WAYS.filter((way) => LOOKING.has(way.name));
  try {
    const { path, version, from } = await findOrBringCli({ home: config.home, env, say: () => undefined }, ways);
    return ok(NAME, `${version}, by ${from}: ${path}`);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const found = env.TEMPORAL_CLI_PATH
      ? `TEMPORAL_CLI_PATH "${env.TEMPORAL_CLI_PATH}" cannot be used`
      : 'not on this machine';
    return warn(
      NAME,
      `${found}; "dev" and "demo" start servers with it`,
      '"npx millrace dev" brings one; or see https://temporal.io/setup/install-temporal-cli',
    );
  }
}
