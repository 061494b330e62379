// Loaded into each Node process of `openmpsd exec` (NODE_OPTIONS), of whatever version: it leads the
// connections of libraries that look at no proxy, such as ws, to the TLS port of the gateway. What goes
// through a proxy already has a socket and is left alone.
'use strict';

const tls = require('node:tls');

const port = Number(process.env['OPENMPSD_TLS_PORT']);
const domains = (process.env['OPENMPSD_DOMAINS'] ?? '').split(',').filter((one) => one !== '');

/** @param {unknown} host */
function isLedHere(host) {
  if (typeof host !== 'string') return false;
  const name = host.toLowerCase().replace(/\.$/, '');
  return domains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

if (port > 0 && domains.length > 0) {
  const connect = tls.connect;
  /** @param {any[]} args @this {unknown} */
  const connectHere = function (...args) {
    // (options[, done]), (port[, host][, options][, done])
    const options = Object.assign(
      {},
      typeof args[0] === 'object' ? undefined : { port: args[0] },
      typeof args[1] === 'string' ? { host: args[1] } : undefined,
      ...args.filter((one) => typeof one === 'object' && one !== null),
    );
    if (options.socket || options.path || !isLedHere(options.host))
      return connect.apply(this, /** @type {any} */ (args));
    const done = args.find((one) => typeof one === 'function');
    const { host, lookup: _lookup, ...rest } = options;
    return connect.call(this, { servername: host, ...rest, host: '127.0.0.1', port }, done);
  };
  tls.connect = /** @type {any} */ (connectHere);
  require('node:module').syncBuiltinESMExports();
}
