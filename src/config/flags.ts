/** Flags of a command line, and the one way in which each command tells what is wrong with them. */

import { parseArgs } from 'node:util';

/** What a command knows: flags with a value, as the help shows it, and switches, without. */
export type Flags = Readonly<Record<string, Flag>>;

type Flag = {
  readonly argument?: string | undefined;
  readonly short?: string;
  /** Each value of it counts. Any other flag is given once: which of two was meant is not known. */
  readonly isList?: true;
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
  const tokens = tokensOf(args, flags);
  const values = new Map<string, string[]>();
  const problems: string[] = [];
  /** Where the value of a flag would be that is not known. */
  let skippedIndex = -1;
  for (const token of tokens) {
    if (token.kind === 'positional' && token.index !== skippedIndex) {
      const stray = `does not expect "${token.value}".`;
      problems.push(strayAdvice === undefined ? stray : `${stray} ${strayAdvice}`);
    }
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      problems.push(`does not know the option ${rawName}.`);
      if (!inlineValue) skippedIndex = token.index + 1;
    } else if (flag.argument === undefined) {
      values.set(name, [...(values.get(name) ?? []), value ?? 'true']);
    } else if (value === undefined || (!inlineValue && value.startsWith('--'))) {
      problems.push(`needs a value of ${rawName}: ${rawName} ${flag.argument}.`);
    } else values.set(name, [...(values.get(name) ?? []), value]);
  }
  for (const [name, { length }] of values) {
    if (length > 1 && flags[name]?.isList !== true) problems.push(`is given --${name} twice.`);
  }
  return { values, problems };
}

/**
 * Where the first of `args` is that is no flag and no value of one; undefined: there is none, or it may be
 * the value of a flag that is not known.
 */
export function indexOfWord(args: readonly string[], flags: Flags): number | undefined {
  for (const token of tokensOf(args, flags)) {
    if (token.kind === 'positional') return token.index;
    if (token.kind === 'option' && !Object.hasOwn(flags, token.name)) return undefined;
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
