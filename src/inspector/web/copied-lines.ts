/**
 * The parts of a name, and of a row of JSON, are boxes side by side, and a browser copies boxes with a line
 * break between them. While it copies, they are one text; nothing is painted meanwhile.
 */
export function joinCopiedParts(): void {
  document.addEventListener('copy', () => {
    const { classList } = document.documentElement;
    classList.add('copying');
    requestAnimationFrame(() => classList.remove('copying'));
  });
}
