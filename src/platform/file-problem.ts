/** What is wrong with a file, in the words of a user. */

/** What was to be done with the file; `write`: it was to be made where it is not there. */
export type FileUse = 'read' | 'write';

const sentences: Readonly<Record<string, string | Readonly<Record<FileUse, string>>>> = {
  EACCES: {
    read: 'the user of this process may not read it',
    write: 'the user of this process may not write it',
  },
  EEXIST: 'it is there already',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'this process has too many files open',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: { read: 'it is not there', write: 'its folder is not there' },
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is no folder',
  EPERM: {
    read: 'the system does not let this process read it',
    write: 'the system does not let this process write it',
  },
  EROFS: 'the disk can only be read',
};

/** Why a file could not be read or written: completes "it cannot be read: …". */
export function fileProblemOf(error: unknown, use: FileUse = 'read'): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  const sentence = code === undefined ? undefined : sentences[code];
  const words = typeof sentence === 'object' ? sentence[use] : sentence;
  return words || message || String(error);
}
