import type { Wire } from '../rta/connection.ts';

/** A wire that records what was sent. */
export class FakeWire implements Wire {
  readonly frames: (readonly unknown[])[] = [];
  bufferedBytes = 0;
  pingsCount = 0;
  pongsCount = 0;
  /** The reason, or undefined for an end without a close frame. */
  end: { readonly why: string | undefined } | undefined;

  send(frame: string): void {
    if (this.end === undefined) this.frames.push(JSON.parse(frame) as readonly unknown[]);
  }

  ping(): void {
    this.pingsCount += 1;
  }

  pong(): void {
    this.pongsCount += 1;
  }

  close(why: string): void {
    this.end ??= { why };
  }

  drop(): void {
    this.end ??= { why: undefined };
  }
}
