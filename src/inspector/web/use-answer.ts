/** Reading the API from a component. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiRefusal, askJson } from './api.ts';
import { readAgain, textOf } from './live.ts';

export type LiveAnswer<Answer> = {
  /** The last answer for this path; undefined before the first. */
  readonly answer: Answer | undefined;
  readonly problem: string | undefined;
  /** Asks again, at most once in `pauseMs`; the old answer stays until the new one is there. */
  readonly reload: () => void;
};

const pauseMs = 200;

/**
 * What the API answers for `path`, asked for again when events were lost; undefined asks nothing. With
 * `endsWithServer` the old answer goes where nothing is found then: the server may have been started anew.
 */
export function useAnswer<Answer>(
  path: string | undefined,
  { endsWithServer = false }: { readonly endsWithServer?: boolean } = {},
): LiveAnswer<Answer> {
  const [state, setState] = useState<{
    readonly path: string | undefined;
    readonly answer?: Answer;
    readonly problem?: string;
  }>({ path });
  const count = useRef(0);
  /** True until the first answer since events were lost. */
  const isAgain = useRef(false);
  const ends = useRef(endsWithServer);
  ends.current = endsWithServer;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const read = useCallback(async () => {
    if (path === undefined) return;
    count.current += 1;
    const mine = count.current;
    try {
      const answer = await askJson<Answer>(path);
      if (mine !== count.current) return;
      isAgain.current = false;
      setState({ path, answer });
    } catch (error) {
      if (mine !== count.current) return;
      const isMissing = error instanceof ApiRefusal && error.status === 404;
      const keeps = !(isAgain.current && isMissing && ends.current);
      if (isMissing) isAgain.current = false;
      setState((old) => ({
        ...(keeps && old.path === path ? old : { path }),
        problem: textOf(error),
      }));
    }
  }, [path]);
  const reload = useCallback(() => {
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      void read();
    }, pauseMs);
  }, [read]);
  const again = readAgain.value;
  useEffect(() => {
    isAgain.current = true;
    void read();
    return () => {
      // A read of the former path must not be shown for the next one.
      count.current += 1;
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [read, again]);
  const isCurrent = state.path === path;
  return {
    answer: isCurrent ? state.answer : undefined,
    problem: isCurrent ? state.problem : undefined,
    reload,
  };
}
