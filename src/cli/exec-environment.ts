/**
 * The environment of a command that `openmpsd exec` runs: with it, ordinary clients come to the gateway
 * without a change.
 *
 * @source docs/gateway.md "What exec sets"
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the server of a command is, and what its clients must trust. */
export type ExecTarget = {
  /** Of the server itself, without TLS. */
  readonly url: string;
  readonly proxyUrl: string;
  readonly tlsPort: number;
  readonly domains: readonly string[];
  /** The root alone; and all that a client should trust, where a file takes the place of the usual. */
  readonly rootFile: string;
  readonly bundleFile: string;
  readonly javaStore: { readonly file: string; readonly password: string };
  /** Code for Node to load first. */
  readonly preloadFile: string;
  /** Values for `Authorization`, by the name of the user. */
  readonly tokens: ReadonlyMap<string, string>;
};

/** What never goes through the proxy. */
const ownHosts = ['localhost', '127.0.0.1', '::1'];

/** `env` with what leads clients to the target. */
export function execEnvironment(
  env: Environment,
  target: ExecTarget,
): Record<string, string | undefined> {
  const { proxyUrl, rootFile, bundleFile } = target;
  const noProxy = joined(',', env['NO_PROXY'] ?? env['no_proxy'], ...ownHosts);
  return {
    ...env,
    OPENMPSD_URL: target.url,
    OPENMPSD_RTA_URL: target.url.replace(/^http/, 'ws'),
    OPENMPSD_PROXY: proxyUrl,
    OPENMPSD_TLS_PORT: String(target.tlsPort),
    OPENMPSD_DOMAINS: target.domains.join(','),
    OPENMPSD_ROOT_CERTIFICATE: rootFile,
    ...tokenVariables(target.tokens),
    // Most programs read one case or the other.
    ...both('HTTPS_PROXY', proxyUrl),
    ...both('HTTP_PROXY', proxyUrl),
    ...both('ALL_PROXY', proxyUrl),
    ...both('WSS_PROXY', proxyUrl),
    ...both('NO_PROXY', noProxy),
    NODE_USE_ENV_PROXY: '1',
    NODE_EXTRA_CA_CERTS: bundleFile,
    NODE_OPTIONS: joined(
      ' ',
      env['NODE_OPTIONS'],
      `--require ${quotedForNode(target.preloadFile)}`,
    ),
    // OpenSSL, with Python, Ruby, PHP and .NET on Linux; Go and Rust on Linux.
    SSL_CERT_FILE: bundleFile,
    CURL_CA_BUNDLE: bundleFile,
    REQUESTS_CA_BUNDLE: bundleFile,
    GIT_SSL_CAINFO: bundleFile,
    AWS_CA_BUNDLE: bundleFile,
    DENO_CERT: bundleFile,
    JAVA_TOOL_OPTIONS: joined(' ', env['JAVA_TOOL_OPTIONS'], ...javaOptions(target)),
  };
}

/** The variable with the token of a user; names that differ in case alone share it. */
export function tokenVariable(user: string): string {
  return `OPENMPSD_TOKEN_${user.toUpperCase()}`;
}

/** `OPENMPSD_TOKEN_ADA` for each user, and `OPENMPSD_TOKEN` for the first. */
function tokenVariables(tokens: ReadonlyMap<string, string>): Record<string, string> {
  const [first] = tokens.values();
  return {
    ...(first !== undefined && { OPENMPSD_TOKEN: first }),
    ...Object.fromEntries([...tokens].map(([name, token]) => [tokenVariable(name), token])),
  };
}

function javaOptions({ proxyUrl, javaStore }: ExecTarget): readonly string[] {
  const { hostname, port } = new URL(proxyUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  return [
    ...['http', 'https'].flatMap((one) => [
      `-D${one}.proxyHost=${host}`,
      `-D${one}.proxyPort=${port}`,
    ]),
    '-Dhttp.nonProxyHosts=localhost|127.*|[::1]',
    // Java takes quotes, and a backslash for itself.
    `"-Djavax.net.ssl.trustStore=${javaStore.file}"`,
    '-Djavax.net.ssl.trustStoreType=JKS',
    `-Djavax.net.ssl.trustStorePassword=${javaStore.password}`,
  ];
}

function both(name: string, value: string): Record<string, string> {
  return { [name]: value, [name.toLowerCase()]: value };
}

function joined(by: string, ...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(by);
}

/** A path for NODE_OPTIONS, where quotes and backslashes are as in a text of JavaScript. */
function quotedForNode(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
}
