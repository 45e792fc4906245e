/** A bare server of HTTP: every request is answered with as many constant bytes as its target says, `/96`. To be a floor. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const bodies = new Map<string, string>();

const server = createServer((request, response) => {
  const target = request.url ?? '/0';
  let body = bodies.get(target);
  if (body === undefined) {
    body = 'x'.repeat(Number(target.slice(1)));
    bodies.set(target, body);
  }
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
