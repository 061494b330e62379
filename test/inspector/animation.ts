/** An animated WebP of what a page shows, of which each picture holds only what has changed. */

import type { Browser, Page } from 'playwright-core';

type Picture = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
  /** The chunk of a WebP file that has the picture. */
  readonly chunks: Buffer;
};

/** 0 to 1, of the lossy encoder. */
const quality = 0.75;

/**
 * Compares two PNG in a page, since a browser can read and write pictures: the part that differs, as
 * WebP, and where it is. Null when nothing differs. Corners are even, as the format wants them.
 */
const compare = `async ([before, after, quality]) => {
  const read = async (data) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return { canvas, pixels: context.getImageData(0, 0, bitmap.width, bitmap.height) };
  };
  const next = await read(after);
  const { width, height } = next.canvas;
  let [left, top, right, bottom] = [0, 0, width, height];
  if (before !== '') {
    const old = new Uint32Array((await read(before)).pixels.data.buffer);
    const fresh = new Uint32Array(next.pixels.data.buffer);
    [left, top, right, bottom] = [width, height, 0, 0];
    for (let at = 0; at < fresh.length; at += 1) {
      if (old[at] === fresh[at]) continue;
      const [x, y] = [at % width, Math.floor(at / width)];
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
    if (right === 0) return null;
    left -= left % 2;
    top -= top % 2;
  }
  const part = new OffscreenCanvas(right - left, bottom - top);
  part.getContext('2d', { alpha: false }).drawImage(next.canvas, -left, -top);
  const blob = await part.convertToBlob({ type: 'image/webp', quality });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { x: left, y: top, width: right - left, height: bottom - top, data: btoa(text) };
}`;

type Part = Omit<Picture, 'durationMs' | 'chunks'> & { readonly data: string };

/** Takes pictures of a page, and makes a file of them. */
export class Animation {
  readonly #pictures: Picture[] = [];
  readonly #page: Page;
  readonly #studio: Page;
  #last = '';

  private constructor(page: Page, studio: Page) {
    this.#page = page;
    this.#studio = studio;
  }

  static async start(browser: Browser, page: Page): Promise<Animation> {
    return new Animation(page, await browser.newPage());
  }

  /** How the page looks now, shown for `durationMs`. */
  async take(durationMs: number): Promise<void> {
    const png = (await this.#page.screenshot()).toString('base64');
    const part = await this.#studio.evaluate<Part | null>(
      `(${compare})(${JSON.stringify([this.#last, png, quality])})`,
    );
    this.#last = png;
    const last = this.#pictures.at(-1);
    if (part === null) {
      if (last !== undefined) {
        this.#pictures[this.#pictures.length - 1] = {
          ...last,
          durationMs: last.durationMs + durationMs,
        };
      }
      return;
    }
    const { data, ...place } = part;
    this.#pictures.push({
      ...place,
      durationMs,
      chunks: imageOf(Buffer.from(data, 'base64')),
    });
  }

  /** The pictures after each other, for ever. */
  file(): Buffer {
    const { width = 0, height = 0 } = this.#pictures[0] ?? {};
    // Flag 2: animated. Then the size of the whole.
    const head = chunk(
      'VP8X',
      Buffer.concat([bytes(2, 4), bytes(width - 1, 3), bytes(height - 1, 3)]),
    );
    const animation = chunk('ANIM', Buffer.concat([bytes(0, 4), bytes(0, 2)]));
    const frames = this.#pictures.map((one) =>
      chunk(
        'ANMF',
        Buffer.concat([
          ...[bytes(one.x / 2, 3), bytes(one.y / 2, 3)],
          ...[bytes(one.width - 1, 3), bytes(one.height - 1, 3), bytes(one.durationMs, 3)],
          // Replaces what is below, and stays.
          bytes(2, 1),
          one.chunks,
        ]),
      ),
    );
    const body = Buffer.concat([Buffer.from('WEBP'), head, animation, ...frames]);
    return Buffer.concat([Buffer.from('RIFF'), bytes(body.length, 4), body]);
  }

  get durationMs(): number {
    return this.#pictures.reduce((sum, { durationMs }) => sum + durationMs, 0);
  }
}

/** The chunk of a WebP file that has its picture; a head, colours and the like stay behind. */
function imageOf(file: Buffer): Buffer {
  for (let at = 12; at + 8 <= file.length; ) {
    const size = file.readUInt32LE(at + 4);
    const end = at + 8 + size + (size % 2);
    if (/^VP8[ L]$/.test(file.toString('latin1', at, at + 4))) return file.subarray(at, end);
    at = end;
  }
  throw new Error('the browser made no WebP');
}

function bytes(value: number, count: number): Buffer {
  const buffer = Buffer.alloc(count);
  buffer.writeUIntLE(value, 0, count);
  return buffer;
}

function chunk(name: string, data: Buffer): Buffer {
  const padding = Buffer.alloc(data.length % 2);
  return Buffer.concat([Buffer.from(name), bytes(data.length, 4), data, padding]);
}
