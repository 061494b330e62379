/** How the demo lets time pass. */
export type DemoTime = AsyncDisposable & {
  /** The server's clock shows a time that much later; or nothing happens, and time passes by itself. */
  pass(ms: number): Promise<void>;
  /** How long something that is due then may take to arrive. */
  readonly patienceMs: number;
};

/** The server's own clock, stopped and moved by its control API, or the real time without one. */
export async function openDemoTime(url: string): Promise<DemoTime> {
  const ask = (path: string, body?: unknown): Promise<Response> =>
    fetch(`${url}/control${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: 'XBL3.0 x=-;svc=demo' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const isControlled = (await ask('')).ok;
  if (!isControlled) {
    return { patienceMs: 20_000, pass: async () => {}, [Symbol.asyncDispose]: async () => {} };
  }
  const turn = async (body: unknown): Promise<void> => {
    const answer = await ask('/clock', body);
    if (!answer.ok) throw new Error(`/control/clock answered ${await answer.text()}`);
  };
  await turn({ freeze: true });
  return {
    patienceMs: 20_000,
    pass: (ms) => turn({ advanceMs: ms }),
    // As it was: nobody else is to see that the clock was ever moved.
    [Symbol.asyncDispose]: () => turn({ freeze: false, nowMs: Date.now() }),
  };
}
