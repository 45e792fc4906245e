/**
 * The network as one process of the world has it: connections and bytes pass its gate (sim-process.ts). What becomes of connections when a
 * process is killed or its host vanishes is the memory network's.
 */
import type { ByteStream, Network } from '../../src/rpc/network.js';
import type { SimProcess } from './sim-process.js';

type StreamEvents = Parameters<ByteStream['listen']>[0];

export function gatedNetwork(process: SimProcess, network: Network): Network {
  return {
    connect: (address, signal) => process.gate(network.connect(address, signal).then((stream) => gatedStream(process, stream))),
    async listen(address, accept) {
      const listening = network.listen(address, (stream) => {
        const gated = gatedStream(process, stream);
        process.deliver(() => accept(gated));
      });
      const listener = await process.gate(listening);
      return { address: listener.address, close: () => process.gate(listener.close()) };
    },
  };
}

function gatedStream(process: SimProcess, stream: ByteStream): ByteStream {
  let events: StreamEvents | undefined;
  let isDestroyed = false;
  const arrive = (fn: (to: StreamEvents) => void) =>
    process.deliver(() => {
      if (isDestroyed && events === undefined) return;
      if (events === undefined) throw new Error('a connection had news before anybody listened');
      fn(events);
    });
  stream.listen({
    data: (chunk) => arrive((to) => to.data(chunk)),
    lent: (chunk) => {
      const kept = Uint8Array.from(chunk);
      arrive((to) => to.data(kept));
    },
    drained: () => arrive((to) => to.drained()),
    closed: (error) => arrive((to) => to.closed(error)),
  });
  return {
    peer: stream.peer,
    get bufferedBytes() {
      return stream.bufferedBytes;
    },
    listen: (to) => {
      events = to;
    },
    write: (chunk, left) => {
      process.reaches('a connection');
      stream.write(chunk, left);
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => stream.end(),
    destroy: () => {
      isDestroyed = true;
      stream.destroy();
    },
  };
}
