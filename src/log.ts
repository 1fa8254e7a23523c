/** The log of a process, on standard error: lines for people, or JSON objects for programs. */
import pino from 'pino';
import type { LogConfig } from './core/config.js';
import { maskOf } from './core/secrets.js';
import type { Mask } from './core/secrets.js';

export type Log = pino.Logger;

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };

/**
 * @param config default: warnings and errors, as lines
 * @param mask what a line may show
 */
export function createLog(
  { level, format }: LogConfig = { level: 'warn', format: 'text' },
  mask: Mask = maskOf(),
): Log {
  const options: pino.LoggerOptions = { level, base: undefined };
  const lineOf = format === 'json' ? (json: string) => json : asText;
  return pino(options, { write: (json) => void process.stderr.write(mask(lineOf(json))) });
}

/** One line, with what belongs to it behind the message. */
function asText(json: string): string {
  const { level, time, msg, err, ...more } = JSON.parse(json) as Record<string, unknown>;
  const facts = Object.entries(more).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const stack = (err as { stack?: string } | undefined)?.stack;
  // What is told may be anybody's words: it makes no line of its own.
  const text = (typeof msg === 'string' ? msg : '').replaceAll('\n', '\\n');
  const line = [new Date(time as number).toISOString(), LEVELS[level as number], text, ...facts].join(' ');
  return `${line}${stack === undefined ? '' : `\n${stack}`}\n`;
}
