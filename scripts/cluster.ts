/**
 * `npm run cluster`: a real cluster on this machine, for trying out.
 *
 *     --port <number>    of the balancer (8350; 0 takes a free one)
 *     --nodes <number>   how many OpenMPSD nodes (2)
 *
 * What comes after `--` goes to each node, as flags of `openmpsd serve`.
 */

import { parseArgs } from 'node:util';
import { demoScid } from '../src/testing/demo.ts';
import { startCluster } from '../src/testing/cluster.ts';

function fail(text: string, code: number): never {
  process.stderr.write(`cluster: ${text}\n`);
  process.exit(code);
}

function wholeNumber(text: string, flag: string, max: number): number {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return number <= max ? number : fail(`${flag} is "${text}"; expected 0 to ${max}.`, 2);
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        port: { type: 'string', default: '8350' },
        nodes: { type: 'string', default: '2' },
      },
      allowPositionals: true,
    });
    return {
      port: wholeNumber(values.port, '--port', 65_535),
      nodesCount: Math.max(1, wholeNumber(values.nodes, '--nodes', 16)),
      flags: positionals,
    };
  } catch (error) {
    return fail((error as Error).message, 2);
  }
}

// A reader that is gone, as of `| head`, is no reason to leave anything running.
process.stdout.on('error', () => undefined);
const told = Promise.withResolvers<void>();
process.once('SIGINT', told.resolve).once('SIGTERM', told.resolve);

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
await told.promise;
process.stdout.write('Stopping …\n');
await cluster[Symbol.asyncDispose]();
process.exit(0);
