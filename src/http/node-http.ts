/**
 * Node's HTTP. An `import` reads all that `node:http` exports, a `WebSocket` among it for which Node
 * loads a whole HTTP client first: a tenth of each start.
 */
export const { createServer, maxHeaderSize, STATUS_CODES } = process.getBuiltinModule('node:http');
