import type { ApiClient, ResultView } from './api-client.js';
import type { Cli } from './context.js';
import { EXIT, exitCodeOfState } from './exit-codes.js';
import { widthOf, writeJson, writeLine } from './io.js';
import { jobLines } from './job-text.js';
import { recordTableLines } from './table.js';
import { tellJobGoesOn, watchJob } from './watch-job.js';

const SHOWN_ROWS = 20;

/** Watches a job to its end, prints how it went and a small result, and answers the exit code. */
export async function followJob(cli: Cli, client: ApiClient, id: string, asJson: boolean): Promise<number> {
  const { io, style } = cli;
  const job = await watchJob(client, id, { io, style: cli.errorStyle, quiet: asJson });
  if (!job) {
    tellJobGoesOn(io, id);
    return EXIT.interrupted;
  }
  if (asJson) {
    writeJson(io.stdout, job);
    return exitCodeOfState(job.state);
  }
  for (const line of jobLines(job, style, Date.now(), client.url)) writeLine(io.stdout, line);
  if (job.result?.rows) {
    const { rows, output } = job.result;
    printResult(cli, { rows, columns: output.columns, truncated: false });
  }
  return exitCodeOfState(job.state);
}

/** The rows as a table: the first `limit` of them. */
export function printResult(cli: Cli, result: ResultView, limit = SHOWN_ROWS): void {
  const { io, style } = cli;
  const columns = result.columns.length > 0 ? result.columns : columnsOf(result.rows);
  const lines = recordTableLines(columns, result.rows.slice(0, limit), {
    width: widthOf(io.stdout),
    style,
    total: result.rows.length,
  });
  writeLine(io.stdout);
  for (const line of lines) writeLine(io.stdout, line);
}

/** A processor in TypeScript does not say which columns its rows have: those that they have, in the order they are met. */
function columnsOf(rows: ResultView['rows']): ResultView['columns'] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return [...names].map((name) => ({ name, type: '' }));
}
