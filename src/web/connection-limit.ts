/**
 * Bounds the connections of the web port and what each may ask for at once, so that whoever keeps thousands of them open, or asks a thousand things
 * in one packet, keeps nobody else out.
 *
 * - Near the limit, connections that wait for a next request are closed, as HTTP allows at any time: clients connect again.
 * - Beyond it, a connection is heard and refused: 503, and to come again. Nothing else is done for it.
 * - A few more than that are never accepted.
 * - So is a request refused, and the connection closed, that comes before most earlier ones of its connection were answered.
 */
import type { Socket } from 'node:net';
import { UnderstudyError } from '../base/errors.js';
import type { WebApp } from './web-app.js';

/** Share of the limit from which idle connections are closed, and by which it may be exceeded to refuse. */
const MARGIN = 1 / 8;

/** Of one connection that wait for their answers: a packet may hold some thousand. */
const REQUESTS_MAX = 128;

/** To be called before all that may answer a request. */
export function limitConnections(app: WebApp, connectionsMax: number): void {
  const { server } = app;
  const margin = Math.ceil(connectionsMax * MARGIN);
  const excess = new WeakSet<Socket>();
  let open = 0;
  server.maxConnections = connectionsMax + margin;
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open > connectionsMax - margin) server.closeIdleConnections();
    if (open > connectionsMax) excess.add(socket);
  });
  const waiting = new WeakMap<Socket, number>();
  const count = (socket: Socket, more: number) => {
    const now = (waiting.get(socket) ?? 0) + more;
    waiting.set(socket, now);
    return now;
  };
  // With callbacks: every request passes here, and a promise each would be felt.
  app.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    count(socket, -1);
    done();
  });
  app.addHook('onRequest', ({ raw: { socket } }, reply, done) => {
    const requests = count(socket, 1);
    if (!excess.has(socket) && requests <= REQUESTS_MAX) return done();
    reply.header('connection', 'close');
    const why =
      requests > REQUESTS_MAX
        ? `too many requests of one connection wait for answers: requests_max=${REQUESTS_MAX}`
        : `there are too many connections: connections_max=${connectionsMax}`;
    done(new UnderstudyError('unavailable', why));
  });
}
