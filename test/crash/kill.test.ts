/**
 * A server process that is killed without warning, again and again, while it is written to: what it
 * acknowledged must be there when it is back.
 *
 * MPSD_KILLS (50): how often.
 *
 * @source docs/architecture.md "Promises"
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MultiplayerService } from '../../src/client/multiplayer-service.ts';
import { demoScid, demoTitleId } from '../../src/testing/demo.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';

const kills = Number(process.env['MPSD_KILLS'] ?? 50);

/** One user who counts in one session of its own, and what the server has acknowledged of it. */
class Counter {
  readonly #xuid: string;
  readonly #reference: {
    readonly scid: string;
    readonly templateName: string;
    readonly name: string;
  };
  #sent = 0;
  acknowledged = 0;
  #etag = '';
  #changeNumber = 0;
  readonly #inviteIds: string[] = [];

  constructor(n: number) {
    this.#xuid = `253500000000${n}`;
    this.#reference = { scid: demoScid, templateName: 'deathmatch', name: `counter-${n}` };
  }

  #service(url: string): MultiplayerService {
    const authorization = `XBL3.0 x=-;xuid=${this.#xuid}&tid=${demoTitleId}`;
    return new MultiplayerService({ baseUrl: url, authorization, retry: false });
  }

  /** Counts on until the server is gone. */
  async count(url: string, onAcknowledged: () => void): Promise<void> {
    const service = this.#service(url);
    for (;;) {
      try {
        this.#sent = this.acknowledged + 1;
        const written = await service.writeSession(this.#reference, {
          members: {
            me: { properties: { system: { active: true }, custom: { count: this.#sent } } },
          },
        });
        assert.ok(written.status !== 'deleted');
        this.acknowledged = this.#sent;
        this.#etag = written.etag;
        this.#changeNumber = written.session.changeNumber;
        if (this.#sent % 10 === 0) {
          const [invite] = await service.sendInvites(this.#reference, ['77'], {
            titleId: demoTitleId,
          });
          if (invite?.status === 'sent') this.#inviteIds.push(invite.handle.id);
        }
        onAcknowledged();
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        return;
      }
    }
  }

  /** Compares what is there now with what was acknowledged, and goes on from there. */
  async check(url: string): Promise<void> {
    const service = this.#service(url);
    const read = await service.getSession<{ memberProperties: { count: number } }>(this.#reference);
    if (read === undefined) {
      assert.equal(this.acknowledged, 0, `${this.#reference.name} is lost`);
      return;
    }
    const count = read.session.members['0']?.properties.custom.count ?? 0;
    const { changeNumber } = read.session;
    assert.ok(
      count === this.acknowledged || count === this.#sent,
      `${this.#reference.name} counts ${count}; acknowledged ${this.acknowledged}, sent ${this.#sent}`,
    );
    assert.ok(changeNumber >= this.#changeNumber, 'the change number went back');
    if (count === this.acknowledged) assert.equal(read.etag, this.#etag);
    for (const id of this.#inviteIds) {
      assert.notEqual(await service.getHandle(id), undefined, `invite ${id} is lost`);
    }
    this.#inviteIds.length = 0;
    this.acknowledged = count;
    this.#etag = read.etag;
    this.#changeNumber = changeNumber;
  }
}

test(`${kills} kills under write load lose nothing that was acknowledged`, async () => {
  const data = await mkdtemp(join(tmpdir(), 'openmpsd-kill-'));
  try {
    const counters = Array.from({ length: 16 }, (_, n) => new Counter(n));
    for (let kill = 0; kill < kills; kill += 1) {
      const server = await startNodeProcess(['--data', data]);
      await Promise.all(counters.map((counter) => counter.check(server.url)));
      // Killed at a moment that the load decides: after so many acknowledgements, others under way.
      let left = 40 + ((kill * 37) % 160);
      const killed = new Promise<void>((resolve, reject) => {
        const acknowledged = (): void => {
          left -= 1;
          if (left === 0) server.kill().then(resolve, reject);
        };
        Promise.all(counters.map((counter) => counter.count(server.url, acknowledged))).catch(
          reject,
        );
      });
      await killed;
    }
    const server = await startNodeProcess(['--data', data]);
    await Promise.all(counters.map((counter) => counter.check(server.url)));
    server.signal('SIGTERM');
    assert.equal(await server.ended, 0);
    assert.ok(counters.every(({ acknowledged }) => acknowledged > 0));
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
