/** What is wrong with a file, in the words of a user. */

const sentences: Readonly<Record<string, string>> = {
  EACCES: 'the user of this process has no right to',
  EEXIST: 'it is there already',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'this process has too many files open',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'it is not there',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is no folder',
  EPERM: 'the system does not let this process',
  EROFS: 'the disk can only be read',
};

/** Why a file could not be read or written: completes "it cannot be read: …". */
export function fileProblemOf(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return (code !== undefined && sentences[code]) || message || String(error);
}
