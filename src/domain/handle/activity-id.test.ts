import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isGuid } from '../ids.ts';
import { activityIdOf, ownerOfActivityId } from './activity-id.ts';

const anyXuid = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(String);
const anyGuid = fc.uuid({ version: 4 });

// Kills: owners that lose a digit; ids that lose what was drawn, and so are given twice.
test('an id names its owner, is a GUID, and keeps 58 of the bits that were drawn', () => {
  fc.assert(
    fc.property(anyXuid, anyGuid, anyGuid, (xuid, guid, other) => {
      const id = activityIdOf(xuid, guid);
      assert.ok(isGuid(id));
      assert.equal(ownerOfActivityId(id), xuid);
      assert.equal(ownerOfActivityId(id.toUpperCase()), xuid);
      const drawn = (text: string): string =>
        `${text.slice(24)} ${text.slice(0, 2)} ${text.slice(19, 20)}`;
      assert.equal(activityIdOf(xuid, other) === id, drawn(guid) === drawn(other));
    }),
  );
});

test('an id as it looks', () => {
  const id = activityIdOf('2814000000000001', '01234567-89ab-4cde-8f01-23456789abcd');
  assert.equal(id, '6789abcd-2345-8010-8009-ff516e65e001');
  assert.equal(ownerOfActivityId(id), '2814000000000001');
});

test('where the owner does not fit the id is the drawn one, and names nobody', () => {
  const guid = '01234567-89ab-4cde-8f01-23456789abcd';
  for (const xuid of ['18446744073709551616', '99999999999999999999', '007']) {
    assert.equal(activityIdOf(xuid, guid), guid);
  }
  assert.equal(ownerOfActivityId(guid), undefined);
  assert.equal(ownerOfActivityId('no GUID'), undefined);
});
