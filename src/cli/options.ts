import { InvalidArgumentError, Option } from 'commander';

/** `--json` of every reading command. */
export function jsonOption(): Option {
  return new Option('--json', 'print JSON');
}

/** The parser of an option that is a whole number from `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < min || text.trim() === '') {
      throw new InvalidArgumentError(`Wanted a whole number from ${min}.`);
    }
    return value;
  };
}

export function collect(value: string, former: string[] = []): string[] {
  return [...former, value];
}

/** `records=500/s`, `chunks=30/m` or `none`, which stays a word: the parser of the command line takes null for absent. */
export function rateOption(text: string): Record<string, string> | 'none' {
  if (text === 'none') return text;
  const match = /^(records|chunks)=(.+)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Wanted records=500/s, chunks=30/m (per s, m or h) or none.');
  return { [match[1]!]: match[2]! };
}
