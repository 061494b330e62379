import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from '../src/server.ts';
import type { Lever, Slice } from './flip.ts';

const sliceMs = 150;
/** Requests between a switch and the slice: what a switch forgets is there again, for every user. */
const settlingCount = 1_500;

/** Switches a lever all the while from now on; the array grows by what was done in each slice. */
export function flip(lever: Lever, server: RunningServer): readonly Slice[] {
  const slices: Slice[] = [];
  let requests = 0;
  subscribe('http.server.request.start', () => {
    requests += 1;
  });
  const measure = async (isOn: boolean): Promise<void> => {
    await lever.set(isOn, server);
    requests = 0;
    while (requests < settlingCount) await sleep(10);
    requests = 0;
    const at = now();
    await sleep(sliceMs);
    const next = now();
    slices.push({
      isOn,
      requests,
      seconds: (next.ms - at.ms) / 1_000,
      mainMicros: next.mainMicros - at.mainMicros,
      allMicros: next.allMicros - at.allMicros,
    });
  };
  const measureAll = async (): Promise<void> => {
    for (let isOn = false; ; isOn = !isOn) await measure(isOn);
  };
  void measureAll();
  return slices;
}

function now(): { readonly ms: number; readonly mainMicros: number; readonly allMicros: number } {
  const [main, all] = [process.threadCpuUsage(), process.cpuUsage()];
  return {
    ms: performance.now(),
    mainMicros: main.user + main.system,
    allMicros: all.user + all.system,
  };
}
