/**
 * What an error says in words. The error of a name whose addresses all fail has no message of its own:
 * it has one for each address, and they are joined.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return 'code' in error ? String(error.code) : error.name;
}
