import { Refusal } from '../domain/refusal.ts';
import { resemblesDevelopmentToken } from './development-token.ts';

/** The token of an `Authorization` header, and its form: nothing is verified yet. */
export type Credentials = {
  /** `encrypted`: for Xbox Live, which alone can read it. */
  readonly form: 'jwt' | 'development' | 'encrypted';
  readonly token: string;
  /** Empty with `Bearer`. */
  readonly userHash: string;
};

const schemePattern = /^(?:XBL3\.0 +x=([^;]*);|Bearer +)(.*)$/i;
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const encryptedPattern = /^[\w-]+(?:\.[\w-]*){4}$/;

/** Whose tokens a server takes: also unsigned ones of development, or only those of an issuer. */
export type TokensTaken = 'development' | 'issued';

/**
 * The token of `XBL3.0 x=<userhash>;<token>` or `Bearer <token>`. An empty header is a missing one.
 * `taken` is for the advice of a refusal alone.
 *
 * Refuses: notAuthenticated.
 *
 * @source docs/wire/callers.md "Callers"
 */
export function parseAuthorization(
  header: string,
  taken: TokensTaken = 'development',
): Credentials | Refusal {
  if (header === '') {
    return wrong(
      taken === 'issued'
        ? 'The Authorization header is missing; send "Bearer <token>" or "XBL3.0 x=<userhash>;<token>", with a token of the issuer that this server trusts.'
        : 'The Authorization header is missing; send "XBL3.0 x=<userhash>;<token>", for example as "openmpsd token" prints it.',
    );
  }
  const [, userHash = '', token] = schemePattern.exec(header.trim()) ?? [];
  if (token === undefined) {
    return wrong(
      'The Authorization header is not of the form "XBL3.0 x=<userhash>;<token>" or "Bearer <token>".',
    );
  }
  if (token === '') return wrong('The Authorization header has no token behind its scheme.');
  if (jwtPattern.test(token)) return { form: 'jwt', token, userHash };
  if (resemblesDevelopmentToken(token)) return { form: 'development', token, userHash };
  if (encryptedPattern.test(token)) return { form: 'encrypted', token, userHash };
  return wrong(
    taken === 'issued'
      ? 'The token is no JWT; send the ID token of the issuer, or an access token that is a JWT.'
      : 'The token is neither a JWT nor a development token such as "xuid=1&gtg=Ada".',
  );
}

/** Refuses a token that only Xbox Live can read. */
export function refuseEncrypted(advice: string): Refusal {
  return wrong(
    `The token is encrypted, as those of Xbox Live are, and only Xbox Live can read it; ${advice}.`,
  );
}

function wrong(text: string): Refusal {
  return new Refusal('notAuthenticated', text);
}
