/** The log of a process, on standard error: lines for people, or JSON objects for programs. */
import pino from 'pino';
import type { LogConfig } from './core/config.js';

export type Log = pino.Logger;

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };

/** @param config default: warnings and errors, as lines */
export function createLog({ level, format }: LogConfig = { level: 'warn', format: 'text' }): Log {
  const options: pino.LoggerOptions = { level, base: undefined };
  return format === 'json' ? pino(options, pino.destination({ fd: 2, sync: true })) : pino(options, { write: asText });
}

/** One line, with what belongs to it behind the message. */
function asText(json: string): void {
  const { level, time, msg, err, ...more } = JSON.parse(json) as Record<string, unknown>;
  const facts = Object.entries(more).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const stack = (err as { stack?: string } | undefined)?.stack;
  // What is told may be anybody's words: it makes no line of its own.
  const text = (typeof msg === 'string' ? msg : '').replaceAll('\n', '\\n');
  const line = [new Date(time as number).toISOString(), LEVELS[level as number], text, ...facts].join(' ');
  process.stderr.write(`${line}${stack === undefined ? '' : `\n${stack}`}\n`);
}
