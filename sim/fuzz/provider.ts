import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** Recipients with this prefix are never reached: their messages become dead letters. */
export const unreachable = '+500';

/** Stands in for the message provider. It keeps no connection open, so that the attack's can be counted. */
export class Provider {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(): Promise<Provider> {
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        const id = String(request.headers['idempotency-key'] ?? Date.now());
        response.setHeader('connection', 'close').writeHead(body.includes(`"${unreachable}`) ? 503 : 202);
        response.end(JSON.stringify({ message: 'Accepted', messageId: id }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('expected the provider to listen on a port');
    return new Provider(server, `http://127.0.0.1:${address.port}/`);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
