/** A peer without manners: a bare socket that says what a test wants. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { bareFrame, FRAME_HEADER_BYTES, type Frame, FrameDecoder, frameBytes, helloFrame, KIND, putHeader } from '../../src/rpc/frame.js';
import { parseAddress } from '../../src/rpc/tcp-network.js';

export function encoded(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(frameBytes(frame));
  putHeader(bytes, 0, frame);
  bytes.set(frame.body, FRAME_HEADER_BYTES);
  return bytes;
}

export const HELLO = encoded(helloFrame({ version: 1, frameBytesMax: 1 << 20, streamCreditBytes: 1 << 20 }));

export function request(callId: number, method: number, body = new Uint8Array(0)): Uint8Array {
  return encoded({ ...bareFrame(KIND.request, callId), method, body });
}

export class RawPeer implements Disposable {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const decoder = new FrameDecoder(1 << 24, (frame) => this.frames.push(frame));
    socket.on('data', (chunk) => decoder.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async connect(address: string): Promise<RawPeer> {
    const socket = connect(parseAddress(address));
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawPeer(socket);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A server that takes connections and leaves the rest to `met`. */
export async function rawServer(met: (peer: RawPeer) => void): Promise<{ address: string; server: Server; close(): void }> {
  const peers: RawPeer[] = [];
  const server = createServer((socket) => {
    const peer = new RawPeer(socket);
    peers.push(peer);
    met(peer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no address');
  return {
    address: `127.0.0.1:${bound.port}`,
    server,
    close: () => {
      server.close();
      for (const peer of peers) peer.socket.destroy();
    },
  };
}
