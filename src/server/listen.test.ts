import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatListenProblem } from './listen.ts';

// What a look-up answers differs from system to system.
for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'EINVAL', 'EADDRNOTAVAIL']) {
  test(`${code}: the host is no address of this machine`, () => {
    const error = Object.assign(new Error('getaddrinfo'), { code });
    assert.equal(
      formatListenProblem(error, '300.1.1.1', 8350),
      '300.1.1.1 is no address of this machine; choose another with --host.',
    );
  });
}
