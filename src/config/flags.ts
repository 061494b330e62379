/** Flags of a command line, and the one way in which each command tells what is wrong with them. */

import { parseArgs } from 'node:util';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';

/** What a command knows: flags with a value, as the help shows it, and switches, without. */
export type Flags = Readonly<Record<string, Flag>>;

type Flag = {
  readonly argument?: string | undefined;
  readonly short?: string;
  /** Neither its value is shown nor a word after it, which may be a part of it that lost its quotes. */
  readonly isSecret?: true;
  /** Each value of it counts. Any other flag is given once: which of two was meant is not known. */
  readonly isList?: true;
  /** A switch that also takes `=true` and `=false`. Any other switch takes no value. */
  readonly isTruth?: true;
};

export type FlagsGiven = {
  /** By the flag's name; a switch without a value is `true`. One value, but for lists. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Sentences to be put behind the name of the command. */
  readonly problems: readonly string[];
};

/** The flags among `args`, with every problem of them; `strayAdvice` is added to the problem of a stray word. */
export function parseFlags(
  args: readonly string[],
  flags: Flags,
  strayAdvice?: string,
): FlagsGiven {
  const values = new Map<string, string[]>();
  const problems: string[] = [];
  /** Where the value of a flag would be that is not known. */
  let skippedIndex = -1;
  /** The last flag, when what follows it may be secret. */
  let secretName: string | undefined;
  for (const token of tokensOf(args, flags)) {
    if (token.kind === 'positional' && token.index !== skippedIndex) {
      const problem = strayProblem(token.value, secretName, strayAdvice);
      if (secretName === undefined || !problems.includes(problem)) problems.push(problem);
    }
    if (token.kind !== 'option') continue;
    const { name, rawName, value = 'true', inlineValue } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    // One that is not known may be a secret one with a mistake in its name.
    secretName = flag === undefined || flag.isSecret === true ? rawName : undefined;
    if (flag === undefined && !inlineValue) skippedIndex = token.index + 1;
    const problem = optionProblem(token, flag);
    if (problem !== undefined) problems.push(problem);
    else values.set(name, [...(values.get(name) ?? []), value]);
  }
  for (const [name, { length }] of values) {
    if (length > 1 && flags[name]?.isList !== true) problems.push(`is given --${name} twice.`);
  }
  return { values, problems };
}

/** The problems as one text, to be put behind the name of the command. */
export function joinProblems(problems: readonly string[]): string {
  return problems.join(' It ');
}

/** What is wrong with a word that is no flag; after a secret one it is not shown. */
function strayProblem(
  word: string,
  secretName: string | undefined,
  advice: string | undefined,
): string {
  const stray =
    secretName === undefined
      ? `does not expect "${withoutUrlSecrets(word)}".`
      : `does not expect a word after the value of ${secretName}; put quotes around a value with spaces.`;
  return advice === undefined ? stray : `${stray} ${advice}`;
}

/** What is wrong with a flag; a value that looks like the next flag is none. */
function optionProblem(
  {
    rawName,
    value,
    inlineValue,
  }: {
    readonly rawName: string;
    readonly value: string | undefined;
    readonly inlineValue: boolean | undefined;
  },
  flag: Flag | undefined,
): string | undefined {
  if (flag === undefined) return `does not know the option ${rawName}.`;
  if (flag.argument === undefined) {
    return inlineValue && flag.isTruth !== true
      ? `does not expect a value of ${rawName}.`
      : undefined;
  }
  return value === undefined || (!inlineValue && value.startsWith('--'))
    ? `needs a value of ${rawName}: ${rawName} ${flag.argument}.`
    : undefined;
}

/**
 * The first of `args` that is no flag and no value of one, in quotes, with its place, to be named in a
 * message; the place alone where it follows a secret. Undefined: there is none, or it may be the value of a
 * flag that is not known.
 */
export function nameWord(args: readonly string[], flags: Flags): string | undefined {
  let isAfterSecret = false;
  for (const token of tokensOf(args, flags)) {
    if (token.kind === 'positional') {
      const place = `argument ${token.index + 1}`;
      return isAfterSecret ? place : `"${withoutUrlSecrets(token.value)}", ${place}`;
    }
    if (token.kind !== 'option') continue;
    if (!Object.hasOwn(flags, token.name)) return undefined;
    isAfterSecret = flags[token.name]?.isSecret === true;
  }
  return undefined;
}

function tokensOf(args: readonly string[], flags: Flags) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { argument, short }]) => [
      name,
      { type: argument === undefined ? 'boolean' : 'string', ...(short && { short }) } as const,
    ]),
  );
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}
