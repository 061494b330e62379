/**
 * `npm run cluster`: a real cluster on this machine, for trying out. Its help tells the options.
 */

import { parseFlags } from '../src/config/flags.ts';
import { demoScid } from '../src/testing/demo.ts';
import { startCluster } from '../src/testing/cluster.ts';

const help = `npm run cluster: a real cluster on this machine, for trying out; it needs redis-server.

  npm run cluster -- [--port <number>] [--nodes <number>] [-- <flags of openmpsd serve>]

  --port <number>    Of the balancer (default 8350; 0 takes a free one)
  --nodes <number>   How many OpenMPSD nodes (default 2)

What comes after the second -- goes to each node, as flags of openmpsd serve.
`;

function fail(text: string, code: number): never {
  process.stderr.write(`cluster: ${text}\n`);
  process.exit(code);
}

function wholeNumber(text: string, flag: string, max: number): number {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return number <= max ? number : fail(`${flag} is "${text}"; expected 0 to ${max}.`, 2);
}

function readOptions() {
  const args = process.argv.slice(2);
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const { values, problems } = parseFlags(args.slice(0, end), {
    port: { argument: '<number>' },
    nodes: { argument: '<number>' },
    help: { short: 'h' },
  });
  if (values.has('help')) {
    process.stdout.write(help);
    process.exit(0);
  }
  if (problems.length > 0) fail(`${problems.join(' ')} See npm run cluster -- --help.`, 2);
  const last = (name: string, usual: string): string => values.get(name)?.at(-1) ?? usual;
  return {
    port: wholeNumber(last('port', '8350'), '--port', 65_535),
    nodesCount: Math.max(1, wholeNumber(last('nodes', '2'), '--nodes', 16)),
    flags: args.slice(end + 1),
  };
}

// A reader that is gone, as of `| head`, is no reason to leave anything running.
process.stdout.on('error', () => undefined);
const stopped = Promise.withResolvers<void>();
process.once('SIGINT', stopped.resolve).once('SIGTERM', stopped.resolve);

const options = readOptions();
process.stdout.write('Starting three primaries and three replicas of Redis, and the nodes …\n');
const cluster = await startCluster(options).catch((error: Error) => fail(error.message, 1));
const sessionTemplates = `${cluster.url}/serviceconfigs/${demoScid}/sessiontemplates`;
process.stdout.write(
  [
    `OpenMPSD is ready on ${cluster.url}`,
    ...cluster.nodes.map(({ url, process: { pid } }) => `  node ${url}, process ${pid}`),
    `  store ${cluster.redis.url}`,
    `Try: curl -H 'Authorization: XBL3.0 x=-;xuid=1001&gtg=Ada' -H 'X-Xbl-Contract-Version: 107' ${sessionTemplates}`,
    `Play: npm run openmpsd -- demo --url ${cluster.url}`,
    'Stop with Ctrl-C: all of it ends, and its data is gone.',
    '',
  ].join('\n'),
);
await stopped.promise;
process.stdout.write('Stopping …\n');
await cluster[Symbol.asyncDispose]();
process.exit(0);
