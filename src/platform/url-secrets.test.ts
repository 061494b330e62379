import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutUrlSecrets } from './url-secrets.ts';

test('what may be secret in a URL is not shown, also where it is none', () => {
  for (const [text, shown] of [
    ['http://127.0.0.1:8350', 'http://127.0.0.1:8350'],
    ['sqlit', 'sqlit'],
    ['redis://ada:pass@host:1/0', 'redis://…@host:1/0'],
    ['redis://ada:p@ss/w?rd@host', 'redis://…@host'],
    ['ada:pass@host', '…@host'],
    ['https://host/keys?key=pass', 'https://host/keys?…'],
    ['https://host/#pass?word', 'https://host/#…'],
  ] as const) {
    assert.equal(withoutUrlSecrets(text), shown);
  }
});
