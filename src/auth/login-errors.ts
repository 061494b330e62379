/**
 * Why a step of the login chain is refused, as clients know it: the number `XErr`.
 *
 * @source docs/wire/callers.md "Refusals of the login chain"
 */
export const loginErrors = {
  sandboxForbidden: 0x8015_dc12,
  deviceTokenExpired: 0x8015_dc20,
  deviceTokenInvalid: 0x8015_dc23,
  titleTokenExpired: 0x8015_dc21,
  titleTokenInvalid: 0x8015_dc24,
  userTokenExpired: 0x8015_dc22,
  userTokenInvalid: 0x8015_dc26,
} as const;

/** Where the real service sends a user to mend the account. Clients open it in a browser. */
const redirects: Readonly<Record<number, string>> = {
  [0x8015_dc09]: 'https://start.ui.xboxlive.com/CreateAccount',
  [0x8015_dc0e]: 'https://start.ui.xboxlive.com/AddChildToFamily',
};

/** The page for a user whose login ended with `xErr`; empty when there is none. */
export function redirectOf(xErr: number): string {
  return redirects[xErr] ?? '';
}

/** An unsigned 32-bit number, decimal or `0x` and hexadecimal; undefined for other text. */
export function parseXErr(text: string): number | undefined {
  if (!/^(?:[0-9]{1,10}|0x[0-9a-f]{1,8})$/i.test(text)) return undefined;
  const xErr = Number(text);
  return xErr > 0 && xErr <= 0xffff_ffff ? xErr : undefined;
}
