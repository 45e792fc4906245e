/** The frames of the RPC protocol as bytes: one of each kind. */
import { expect, it } from 'vitest';
import { bareFrame, bodyFrame, type Frame, FrameDecoder, frameBytes, helloFrame, KIND, putHeader, STREAM } from '../../src/rpc/frame.js';
import { goldenBytes } from './golden.js';

const body = Buffer.from('body ü');
const frames: readonly Frame[] = [
  helloFrame({ version: 1, frameBytesMax: 16 << 20, streamCreditBytes: 1 << 20 }),
  { kind: KIND.request, flags: STREAM, method: 0x1234, callId: 0x89abcdef, extra: 30_000, body },
  bodyFrame(KIND.reply, 1, body),
  bodyFrame(KIND.error, 2, body),
  bodyFrame(KIND.item, 3, body),
  bareFrame(KIND.end, 3),
  bareFrame(KIND.cancel, 4),
  bareFrame(KIND.credit, 5, 65_536),
  bareFrame(KIND.ping, 0),
  bareFrame(KIND.pong, 0),
];

function encode(): Buffer {
  return Buffer.concat(
    frames.map((frame) => {
      const bytes = Buffer.alloc(frameBytes(frame));
      putHeader(bytes, 0, frame);
      bytes.set(frame.body, bytes.length - frame.body.length);
      return bytes;
    }),
  );
}

it('frames, version 1: one of each kind reads as it was written once, and is written so still', () => {
  const found: Frame[] = [];
  new FrameDecoder(1 << 20, (frame) => found.push(frame)).push(goldenBytes('frames-1.hex', encode()));
  expect(found.map((frame) => ({ ...frame, body: Buffer.from(frame.body) }))).toEqual(
    frames.map((frame) => ({ ...frame, body: Buffer.from(frame.body) })),
  );
  expect(new Set(frames.map(({ kind }) => kind)).size).toBe(Object.keys(KIND).length);
});
