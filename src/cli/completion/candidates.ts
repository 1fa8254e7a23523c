import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  value: string;
  /** A few words that a shell may show beside it. */
  about: string;
}

/** What could stand at the cursor. */
export interface Completion {
  candidates: Candidate[];
  /** Files and folders may stand there too. */
  files: boolean;
}

/** What the definitions of the commands cannot know: asked for only where an id may stand. */
export interface Ids {
  jobs(): Promise<Candidate[]>;
  schedules(): Promise<Candidate[]>;
}

const NOTHING: Completion = { candidates: [], files: false };
/** The names by which definitions say that a value is a file. */
const FILES = /^(spec|files?|dir|database|id-or-file)$/;

/**
 * What can stand in the place of the last word, read off the definitions of the commands.
 * @param words behind the program's name; the last is the one at the cursor, maybe empty
 */
export async function complete(program: Command, words: readonly string[], ids: Ids): Promise<Completion> {
  const found = await at(program, words, ids);
  const cursor = words.at(-1) ?? '';
  return { ...found, candidates: found.candidates.filter(({ value }) => value.startsWith(cursor)) };
}

async function at(program: Command, words: readonly string[], ids: Ids): Promise<Completion> {
  const cursor = words.at(-1) ?? '';
  let command = program;
  const given: string[] = [];
  let open: Option | undefined;
  let onlyArguments = false;
  for (const word of words.slice(0, -1)) {
    if (open) {
      open = undefined;
    } else if (onlyArguments) {
      given.push(word);
    } else if (word === '--') {
      onlyArguments = true;
    } else if (word.startsWith('-')) {
      const option = optionsOf(command).find(({ short, long }) => word === short || word === long);
      open = option?.required ? option : undefined;
    } else {
      const child = given.length === 0 ? commandsOf(command).find((one) => one.name() === word) : undefined;
      if (child) command = child;
      else given.push(word);
    }
  }
  if (open) return valuesOf(open, command, ids);
  if (!onlyArguments && cursor.startsWith('-')) return completionOf(optionsOf(command).flatMap(flagsOf));
  const children = given.length === 0 ? commandsOf(command) : [];
  const named = children.map((child) => ({ value: child.name(), about: child.summary() || child.description() }));
  const argument = argumentAt(command, given.length);
  const values = argument ? await valuesOf(argument, command, ids, given) : NOTHING;
  return { candidates: [...named, ...values.candidates], files: values.files };
}

function completionOf(candidates: Candidate[]): Completion {
  return { candidates, files: false };
}

/** The argument that the n-th word is; the last one may take all that follow. */
function argumentAt({ registeredArguments }: Command, n: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[n] ?? (last?.variadic ? last : undefined);
}

async function valuesOf(
  definition: Argument | Option,
  command: Command,
  ids: Ids,
  given: readonly string[] = [],
): Promise<Completion> {
  const choices = definition.argChoices;
  if (choices) return completionOf(choices.map((value) => ({ value, about: '' })));
  const name = valueName(definition);
  const files = FILES.test(name);
  if (!/^id\b/.test(name)) return { ...NOTHING, files };
  const ofSchedules = 'long' in definition ? definition.long === '--schedule' : command.parent?.name() === 'schedules';
  const found = await (ofSchedules ? ids.schedules() : ids.jobs());
  return { candidates: found.filter(({ value }) => !given.includes(value)), files };
}

/** `spec` of an argument `<spec>`, `dir` of an option `--processors <dir>`. */
function valueName(definition: Argument | Option): string {
  if (!('flags' in definition)) return definition.name();
  return /[<[]([^>\].]+)/.exec(definition.flags)?.[1] ?? '';
}

function commandsOf(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
}

/** Its own options, those of the program, and those of the command that it stands for where none is named. */
function optionsOf(command: Command): Option[] {
  const help = command.createHelp();
  const own = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
  let top: Command = command;
  while (top.parent) top = top.parent;
  const fallback = command.commands.find((child) => isDefault(command, child));
  const all = [...own, ...(fallback ? help.visibleOptions(fallback) : []), ...help.visibleOptions(top)];
  return all.filter((option, n) => all.findIndex(({ long }) => long === option.long) === n);
}

function isDefault(command: Command, child: Command): boolean {
  return (command as unknown as { _defaultCommandName: string | null })._defaultCommandName === child.name();
}

function flagsOf({ long, description }: Option): Candidate[] {
  return long ? [{ value: long, about: description }] : [];
}
