/**
 * The text without what may be secret in a URL, for messages: user and password, query and fragment.
 * What is no URL may be one that was written wrongly: it loses the same.
 */
export function withoutUrlSecrets(text: string): string {
  const at = text.lastIndexOf('@');
  const scheme = /^[a-z][a-z0-9+.-]{0,20}:\/\//i.exec(text)?.[0] ?? '';
  const open = at < 0 ? text : `${scheme}…${text.slice(at)}`;
  return open.replace(/([?#]).*$/s, '$1…');
}
