/**
 * Ports for servers of tests, below the range from which the kernel takes ports of outgoing connections: a server that is
 * stopped and started again finds its port free.
 */
import { createServer } from 'node:net';

const EACH = 5_000;
const WORKERS = 4;
/** Test files that run beside each other have ports of their own: none of a server that is down for a while is given to another one. */
const FIRST = 12_000 + EACH * (Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS);
const LAST = FIRST + EACH - 1;
let next = FIRST + ((process.pid * 97) % EACH);

/** @returns `count` ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count && tries < 1000; tries++) {
    next = next >= LAST ? FIRST : next + 1;
    if (await isFree(next)) ports.push(next);
  }
  if (ports.length < count) throw new Error('no free ports');
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
