/**
 * Ports for servers of this machine that are stopped and started again.
 *
 * They lie below the range from which systems take ports of outgoing connections: a client that calls a stopped server again and again
 * could otherwise be given that very port, and meet itself.
 */
import { createServer } from 'node:net';
import { UnderstudyError } from '../../base/errors.js';

const FROM = 12_000;
const TO = 32_000;
const TRIES_MAX = 1_000;

/** @returns `count` different ports of 127.0.0.1 that nobody listens on now. @throws `resource_exhausted`. */
export async function freePorts(count: number): Promise<number[]> {
  const first = Math.floor(Math.random() * (TO - FROM));
  const ports: number[] = [];
  for (let tries = 0; tries < TRIES_MAX && ports.length < count; tries += 1) {
    const port = FROM + ((first + tries) % (TO - FROM));
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new UnderstudyError('resource_exhausted', `no free ports on 127.0.0.1 from=${FROM} to=${TO}`);
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
