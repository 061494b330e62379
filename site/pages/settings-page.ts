import { describeSettings } from '../../src/config/settings.ts';
import { codeCell, escapeText } from './markdown.ts';

/** Every setting of `openmpsd serve`, from the table that parses them. */
export function settingsPage(): string {
  const sections = describeSettings().map(({ flag, env, argument, default: fallback, help }) =>
    [
      `## --${flag}`,
      '',
      '| flag | variable | default |',
      '| --- | --- | --- |',
      `| ${codeCell(`--${flag}${argument === undefined ? '' : ` ${argument}`}`)} | ${codeCell(env)} | ${
        fallback === undefined ? 'none' : argument === undefined ? 'off' : codeCell(fallback)
      } |`,
      '',
      escapeText(help),
      '',
    ].join('\n'),
  );
  return `# Settings

Every setting of \`openmpsd serve\` is a flag and an environment variable; the flag counts first. A variable may also name a
file that holds the value: \`MPSD_STORE_FILE=/run/secrets/store\`. In a program, \`startServer\` takes the same settings by
their names in TypeScript. A wrong value is an error that says what was expected.

This page is made from the table in [src/config/settings.ts](https://github.com/openmpsd/openmpsd/blob/main/src/config/settings.ts).

${sections.join('\n')}`;
}
