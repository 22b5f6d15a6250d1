/** The limit: a bare server that reads the body, parses it, and answers a small JSON. Nothing is kept. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"accepted"}');
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.stdout.write(`echo listening on http://127.0.0.1:${address.port}\n`);
});
process.on('SIGINT', () => undefined);
