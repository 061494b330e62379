import { test } from 'node:test';
import type { Page, Step } from './page.ts';
import { runPage } from './page-run.ts';

// The package may have to be built first.
const options = { timeout: 300_000 };

/** A page that starts this script and stops it once the line is there. */
function pageOf(script: string, until: string): Page {
  const block = { language: 'sh', text: script, line: 1 };
  const steps: Step[] = [
    { does: 'start', name: 'program', block, until },
    { does: 'stop', name: 'program', line: 2 },
  ];
  return { steps, unmarked: [] };
}

// Kills: a program that counts as over once its shell has ended.
test('lines that come after the shell has ended count', options, () =>
  runPage(pageOf('{ sleep 0.3; echo first; sleep 0.3; echo second; } &', 'second')),
);

// Kills: a stop that signals only while the shell is there.
test('what a shell left behind is stopped too', options, () =>
  runPage(pageOf('{ sleep 0.3; echo ready; sleep 600; } &', 'ready')),
);
