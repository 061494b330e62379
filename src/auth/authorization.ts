import { Refusal } from '../domain/refusal.ts';
import { resemblesDevelopmentToken } from './development-token.ts';

/** The token of an `Authorization` header, and its form: nothing is verified yet. */
export type Credentials = {
  readonly form: 'jwt' | 'development';
  readonly token: string;
};

const schemePattern = /^XBL3\.0 +x=[^;]*;(.*)$/i;
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const encryptedPattern = /^[\w-]+(?:\.[\w-]*){4}$/;

/**
 * The token of `XBL3.0 x=<userhash>;<token>`. The user hash is not looked at. An empty header is a
 * missing one.
 *
 * Refuses: notAuthenticated.
 *
 * @source docs/wire/callers.md "Callers"
 */
export function parseAuthorization(header: string): Credentials | Refusal {
  if (header === '') {
    return wrong(
      'The Authorization header is missing; send "XBL3.0 x=<userhash>;<token>", for example as "openmpsd token" prints it.',
    );
  }
  const token = schemePattern.exec(header.trim())?.[1];
  if (token === undefined) {
    return wrong('The Authorization header is not of the form "XBL3.0 x=<userhash>;<token>".');
  }
  if (token === '') return wrong('The Authorization header has no token after "x=<userhash>;".');
  if (jwtPattern.test(token)) return { form: 'jwt', token };
  if (resemblesDevelopmentToken(token)) return { form: 'development', token };
  if (encryptedPattern.test(token)) {
    return wrong(
      'The token is encrypted, as those of Xbox Live are, and only Xbox Live can read it; log in to this server, or use "openmpsd token".',
    );
  }
  return wrong('The token is neither a JWT nor a development token such as "xuid=1&gtg=Ada".');
}

function wrong(text: string): Refusal {
  return new Refusal('notAuthenticated', text);
}
