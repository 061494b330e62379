import {
  adminProblems,
  metricsProblems,
  sizesProblems,
  callersProblems,
  controlProblems,
  defaultSettings,
  isSettingName,
  numbersProblems,
  type Settings,
  storeProblems,
  withDocumentsThatFit,
} from '../config/settings.ts';
import type { Observe, Observers } from '../observe/observers.ts';
import type { RequestScope } from '../observe/request-scope.ts';
import type { People } from '../people/people.ts';
import type { Clock } from '../platform/clock.ts';
import { type Ids, randomIds } from '../platform/ids.ts';
import type { Bus } from '../store/bus.ts';
import type { Store } from '../store/store.ts';
import type { StoreKind } from '../inspector/api-types.ts';
import { CannotStart } from './cannot-start.ts';

/** The parts of a server; each has a default. */
export type ServerOptions = Partial<Omit<Settings, 'store'>> & {
  /**
   * Where sessions are kept; a store that is given is not closed with the server. Without a `bus` no other
   * server and no program may commit to it meanwhile: this one takes its own commits for all there are,
   * so its searches would show what others have changed as it was.
   */
  readonly store?: Settings['store'] | Store;
  /** Between the nodes that share the store; a bus that is given is not closed with the server. */
  readonly bus?: Bus;
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly people?: People;
  /** Gets what the operator is to know, one line each: `error: …`, `warning: …`, or `no longer so: …`. */
  readonly log?: (line: string) => void;
  /** Is called with what happens: requests, commits, connections. */
  readonly observe?: Observe;
};

/** The options with their defaults. The storage decides on bus, clock and people. */
export type AskedSettings = Omit<Settings, 'store'> &
  Required<Pick<ServerOptions, 'store' | 'ids' | 'log'>> &
  Pick<ServerOptions, 'bus' | 'clock' | 'people' | 'observe'>;

/** The same, once the observers that they ask for are there. */
export type ServerSettings = AskedSettings & {
  readonly observers: Observers;
  /** Where traces show what is done for a request. */
  readonly requestScope?: RequestScope | undefined;
};

/** What the server shows of its store; `custom`: a store that was given. */
export function kindOfStore(store: AskedSettings['store']): StoreKind {
  if (typeof store === 'object') return 'custom';
  return store === 'memory' || store === 'sqlite' ? store : 'redis';
}

/** The options that are no settings. */
const parts: ReadonlySet<string> = new Set([
  'bus',
  'clock',
  'ids',
  'people',
  'log',
  'observe',
] satisfies (keyof ServerOptions)[]);

/**
 * All settings of a server with these options.
 *
 * Throws CannotStart with every option that is unknown, every number out of its bounds, and every problem
 * of settings that do not go together.
 */
export function settingsOf(options: ServerOptions): AskedSettings {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as ServerOptions;
  const asked = { ...defaultSettings(), ids: randomIds, log: () => undefined, ...given };
  const settings = given.documentBytesMax === undefined ? withDocumentsThatFit(asked) : asked;
  const problems = [
    ...Object.keys(given)
      .filter((name) => !parts.has(name) && !isSettingName(name))
      .map((name) => `startServer has no option "${name}".`),
    ...configProblems(given.config),
    ...storeProblems(settings.store),
    ...numbersProblems(given as Partial<Settings>),
    ...callersProblems(settings),
    ...adminProblems(settings),
    ...metricsProblems(settings),
    ...controlProblems(settings),
    ...sizesProblems(settings),
  ];
  if (problems.length > 0) throw new CannotStart(problems);
  return settings;
}

/** Without types, a config itself may be given in place of its path. */
function configProblems(config: unknown): readonly string[] {
  return config === undefined || typeof config === 'string'
    ? []
    : ['config must be the path of a file of service configs, or of a folder of such files.'];
}
