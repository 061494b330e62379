import { subscribe } from 'node:diagnostics_channel';
import type { Lever, Slice } from './flip.ts';

const sliceMs = 150;

/** Switches a lever every 150 ms from now on; the array grows by what was done in each slice. */
export async function flip(leverName: string): Promise<readonly Slice[]> {
  const { lever }: { lever: Lever } = await import(`./levers/${leverName}.ts`);
  const slices: Slice[] = [];
  let requests = 0;
  subscribe('http.server.request.start', () => {
    requests += 1;
  });
  let isOn = false;
  let at = now();
  setInterval(() => {
    const next = now();
    slices.push({
      isOn,
      requests,
      seconds: (next.ms - at.ms) / 1_000,
      mainMicros: next.mainMicros - at.mainMicros,
      allMicros: next.allMicros - at.allMicros,
    });
    isOn = !isOn;
    lever.set(isOn);
    requests = 0;
    at = now();
  }, sliceMs);
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
