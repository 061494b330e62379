/**
 * What is wrong with this server now, and does not stop it: a full disk, a record that cannot be
 * processed, a server of the store that is set up wrongly.
 */
export type Conditions = {
  /** Notes what is wrong, in a sentence; it is logged unless the same was noted under this name. */
  raise(name: string, sentence: string): void;
  /** Nothing is wrong under this name any more, which is logged; no error if nothing was. */
  clear(name: string): void;
  /** What happened once is shown no more; nothing is logged, since it is still true. */
  hide(name: string): void;
  /** The sentences, the oldest first. */
  list(): readonly string[];
};

/** Conditions of which none is raised. */
export function openConditions(log: (line: string) => void): Conditions {
  const raised = new Map<string, string>();
  return {
    raise(name, sentence) {
      if (raised.get(name) === sentence) return;
      raised.set(name, sentence);
      log(`warning: ${sentence}`);
    },
    clear(name) {
      const sentence = raised.get(name);
      if (sentence === undefined) return;
      raised.delete(name);
      log(`no longer so: ${sentence}`);
    },
    hide: (name) => void raised.delete(name),
    list: () => [...raised.values()],
  };
}
