/** Archives as Fiddler makes them, for tests; they can lie, as hostile ones do. */

import { crc32, deflateRawSync } from 'node:zlib';

export type ArchivedFile = {
  readonly name: string;
  readonly bytes: Buffer;
  /** What the archive says instead of the truth. */
  readonly lie?: { readonly size?: number; readonly flags?: number };
};

/** A ZIP archive of `files`, deflated. */
export function archiveOf(files: readonly ArchivedFile[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, lie } of files) {
    const packed = deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(lie?.flags ?? 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(lie?.size ?? bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name)]);
    const central = Buffer.alloc(46 + name.length);
    central.write('PK\x01\x02', 'latin1');
    central.writeUInt16LE(20, 4);
    fields.copy(central, 6);
    central.writeUInt32LE(offset, 42);
    central.write(name, 46);
    directory.push(central);
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

export function file(
  name: string,
  content: string | Buffer,
  lie?: ArchivedFile['lie'],
): ArchivedFile {
  return { name, bytes: Buffer.from(content), ...(lie && { lie }) };
}
