/**
 * True of a test file that needs little time and no process of its own: those of `src`, the
 * conformance suite, and those beside this file, unless they are named `*.slow.test.ts`.
 */
export function isQuick(file: string): boolean {
  const path = file.replaceAll('\\', '/');
  return (
    /^(src\/.*|test\/(conformance\/)?[^/]*)\.test\.ts$/.test(path) &&
    !path.endsWith('.slow.test.ts')
  );
}
