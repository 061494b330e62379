import { formatProblem, formatWarning } from '../config/config-problem.ts';
import { readServiceConfigs } from '../config/read-service-configs.ts';
import { summaryOf } from '../config/service-configs.ts';
import { describeHopper } from '../domain/matchmaking/describe.ts';
import type { Catalog } from '../domain/session/template.ts';
import { type OutputIo, readOnePath } from './command-io.ts';

const help = `openmpsd check-config <file or folder>

Checks a service config file, or all *.json files of a folder, as the server would at its start.
Lists the service configs with their titles, session templates and hoppers (these in words), and ends
with 0; or lists everything that is to be corrected, a line each, and ends with 1. What is taken and should be
otherwise is a line that begins with "warning".
`;

/**
 * The exit code of `openmpsd check-config`: 0 with what was found on stdout, 1 with every problem
 * on stderr, 2 when no argument says what to check.
 *
 * @source docs/wire/service-configs.md "Service configs and session templates"
 */
export async function runCheckConfig(args: readonly string[], io: OutputIo): Promise<number> {
  const path = readOnePath(args, { name: 'check-config', help, path: 'file or folder' }, io);
  if (typeof path === 'number') return path;
  const read = await readServiceConfigs(path);
  if ('problems' in read) {
    for (const problem of read.problems) io.stderr.write(`${formatProblem(problem)}\n`);
    return 1;
  }
  for (const warning of read.warnings) io.stderr.write(`${formatWarning(warning)}\n`);
  for (const line of linesOf(read.catalog)) io.stdout.write(`${line}\n`);
  return 0;
}

function linesOf(catalog: Catalog): readonly string[] {
  const configs = [...catalog.values()].flatMap(({ scid, titles, sandboxes, ...config }) => [
    `service config ${scid} (${sandboxes ? `sandboxes ${sandboxes.join(', ')}` : 'every sandbox'})`,
    ...titles.map(({ titleId }) => `  title ${titleId}`),
    ...[...config.sessionTemplates.values()].map(
      ({ name, contractVersion }) => `  template ${name} (contract ${contractVersion})`,
    ),
    ...[...(config.hoppers?.values() ?? [])].flatMap((hopper) => [
      `  hopper ${hopper.name}`,
      ...describeHopper(hopper).map((line) => `    ${line}`),
    ]),
  ]);
  return [...configs, `${summaryOf(catalog)}: no problems`];
}
