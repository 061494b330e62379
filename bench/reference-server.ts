/**
 * The reference R: a bare node:http server that parses the same body and prints the same document,
 * with the same headers. What a directory in Node could reach if it did nothing else.
 */

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sampleDocument } from './sample.ts';

const document = sampleDocument();

const server = createServer((request, response) => {
  const answer = (): void => {
    const body = Buffer.from(JSON.stringify(document));
    response.writeHead(request.method === 'POST' ? 201 : 200, {
      'Cache-Control': 'max-age=0, must-revalidate',
      'X-Content-Type-Options': 'nosniff',
      'X-XblCorrelationId': randomUUID(),
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      ETag: '"0123456789abcdef0123456789abcdef"',
    });
    response.end(body);
  };
  if (request.method === 'GET') {
    answer();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    document.changeNumber += Object.keys(JSON.parse(Buffer.concat(chunks).toString())).length;
    answer();
  });
});

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on('disconnect', () => process.exit(0));
