// The proxy itself, in a thread of its own: the ZooKeeper client blocks its thread while it closes, and waits for what passes here.
import { connect, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const sockets = new Set();
let frozen = false;

const server = createServer((near) => {
  const far = connect(workerData.target);
  const pairs = [
    [near, far],
    [far, near],
  ];
  for (const [from, to] of pairs) {
    sockets.add(from);
    from.on('data', (chunk) => to.write(chunk));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (frozen) from.pause();
  }
});

const actions = {
  freeze() {
    frozen = true;
    for (const socket of sockets) socket.pause();
  },
  thaw() {
    frozen = false;
    for (const socket of sockets) socket.resume();
  },
  cut() {
    for (const socket of sockets) socket.destroy();
  },
};

parentPort.on('message', (action) => actions[action]());
server.listen(0, workerData.address, () => parentPort.postMessage(server.address().port));
