import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isError } from '../../src/base/errors.js';
import {
  bareFrame,
  FRAME_HEADER_BYTES,
  type Frame,
  FrameDecoder,
  frameBytes,
  helloFrame,
  KIND,
  putHeader,
  readHello,
  STREAM,
} from '../../src/rpc/frame.js';

const LIMIT = 4096;

function encode(frames: readonly Frame[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frameBytes(frame), 0));
  let at = 0;
  for (const frame of frames) {
    putHeader(bytes, at, frame);
    bytes.set(frame.body, at + FRAME_HEADER_BYTES);
    at += frameBytes(frame);
  }
  return bytes;
}

function decode(chunks: readonly Uint8Array[], limit = LIMIT): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(limit, (frame) => frames.push({ ...frame, body: new Uint8Array(frame.body) }));
  for (const chunk of chunks) decoder.push(chunk);
  return frames;
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}

const u32 = fc.nat({ max: 0xffff_ffff });
const anyFrame: fc.Arbitrary<Frame> = fc
  .record({
    kind: fc.integer({ min: 1, max: KIND.pong }),
    method: fc.nat({ max: 0xffff }),
    callId: u32,
    extra: u32,
    stream: fc.boolean(),
    body: fc.uint8Array({ maxLength: 300 }),
  })
  .map(({ stream, kind, body, ...rest }) => ({
    ...rest,
    kind,
    flags: kind === KIND.request && stream ? STREAM : 0,
    body: kind >= KIND.end ? new Uint8Array(0) : body,
  }));
const anyCuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 });

function thrown(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('frames', () => {
  test('codec: any frames in any pieces, come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 20 }), anyCuts, (frames, sizes) => {
        expect(decode(cut(encode(frames), sizes))).toEqual(frames);
      }),
      { numRuns: 500 },
    );
  });

  test('decoder: any bytes, yields frames within the limit or refuses them as garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (chunks) => {
        const frames: Frame[] = [];
        const decoder = new FrameDecoder(LIMIT, (frame) => frames.push(frame));
        const error = thrown(() => {
          for (const chunk of chunks) decoder.push(chunk);
        });
        expect(error === undefined || isError(error, 'invalid_argument')).toBe(true);
        expect(frames.every((frame) => frameBytes(frame) <= LIMIT)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('decoder: one damaged byte in a header, never yields more than the frames before it and a wrong but bounded rest', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { minLength: 2, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        anyCuts,
        (frames, at, flip, sizes) => {
          const bytes = encode(frames);
          const place = frameBytes(frames[0]!) + (at % FRAME_HEADER_BYTES);
          bytes[place] = bytes[place]! ^ flip;
          const seen: Frame[] = [];
          const decoder = new FrameDecoder(LIMIT, (frame) => seen.push({ ...frame, body: new Uint8Array(frame.body) }));
          const error = thrown(() => {
            for (const chunk of cut(bytes, sizes)) decoder.push(chunk);
          });
          expect(error === undefined || isError(error, 'invalid_argument')).toBe(true);
          expect(seen[0]).toEqual(frames[0]);
        },
      ),
    );
  });

  test('decoder: frame over the limit, refused when its length is there', () => {
    const decoder = new FrameDecoder(LIMIT, () => {});
    decoder.push(Uint8Array.of(0xff, 0xff, 0xff));
    expect(() => decoder.push(Uint8Array.of(0x00))).toThrow(/frame over the limit/);
  });

  test('decoder: a frame of exactly the limit is taken, one byte more is not', () => {
    const frame = (bytes: number): Frame => ({ ...bareFrame(KIND.item, 1), body: new Uint8Array(bytes - FRAME_HEADER_BYTES) });
    expect(decode([encode([frame(LIMIT)])])).toHaveLength(1);
    expect(() => decode([encode([frame(LIMIT + 1)])])).toThrow(/frame over the limit/);
  });

  test.each([
    ['unknown kind', [0, 0, 0, 0, 11, 0], /unknown kind/],
    ['kind zero', [0, 0, 0, 0, 0, 0], /unknown kind/],
    ['unknown flag', [0, 0, 0, 0, KIND.request, 2], /unknown flag/],
    ['flag on a kind without flags', [0, 0, 0, 0, KIND.reply, 1], /unknown flag/],
    ['cancel with a body', [1, 0, 0, 0, KIND.cancel, 0], /has not/],
  ])('decoder: %s, refused before the header is complete', (_, bytes, message) => {
    expect(() => decode([Uint8Array.from(bytes)])).toThrow(message);
  });

  test('decoder: a body in one chunk is a view of it, also behind a header that came before', () => {
    const bytes = encode([{ ...bareFrame(KIND.reply, 7), body: Uint8Array.of(1, 2, 3) }]);
    const bodies: Uint8Array[] = [];
    const decoder = new FrameDecoder(LIMIT, (frame) => bodies.push(frame.body));
    decoder.push(bytes);
    const rest = bytes.slice(FRAME_HEADER_BYTES);
    decoder.push(bytes.slice(0, FRAME_HEADER_BYTES));
    decoder.push(rest);
    expect(bodies[0]!.buffer).toBe(bytes.buffer);
    expect(bodies[1]!.buffer).toBe(rest.buffer);
  });

  test('decoder: chunks that are lent and used again, cut anywhere, change nothing of what was taken', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 5 }), anyCuts, (frames, sizes) => {
        const seen: Frame[] = [];
        const decoder = new FrameDecoder(LIMIT, (frame) => seen.push(frame));
        for (const chunk of cut(encode(frames), sizes)) {
          const lent = Uint8Array.from(chunk);
          decoder.push(lent, true);
          lent.fill(0xee);
        }
        expect(seen).toEqual(frames);
      }),
    );
  });

  test('decoder: frames that promise much and send little, cost what they sent', () => {
    const limit = 64 * 1024 * 1024;
    const promise = new Uint8Array(FRAME_HEADER_BYTES + 1);
    putHeader(promise, 0, { ...bareFrame(KIND.item, 1), body: { length: limit - FRAME_HEADER_BYTES } as Uint8Array });
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 50 }, () => new FrameDecoder(limit, () => {}));
    for (const decoder of decoders) decoder.push(promise.slice());
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 1024 * 1024);
    expect(decoders.every((decoder) => decoder.partial)).toBe(true);
  });

  test('decoder: stopped by its receiver in the middle of a chunk, yields nothing more', () => {
    const seen: number[] = [];
    const decoder: FrameDecoder = new FrameDecoder(LIMIT, (frame) => {
      seen.push(frame.callId);
      if (frame.callId === 2) decoder.stop();
    });
    decoder.push(encode([1, 2, 3].map((callId) => bareFrame(KIND.cancel, callId))));
    decoder.push(encode([bareFrame(KIND.cancel, 4)]));
    expect(seen).toEqual([1, 2]);
  });

  test('bytes of version 1: request and hello, as drawn', () => {
    const request: Frame = {
      kind: KIND.request,
      flags: STREAM,
      method: 0x0102,
      callId: 0xa0b0c0d0,
      extra: 5000,
      body: Uint8Array.of(0xee, 0xff),
    };
    expect(Buffer.from(encode([request])).toString('hex')).toBe('0200000002010201d0c0b0a088130000eeff');
    const hello = encode([helloFrame({ version: 1, frameBytesMax: 65_536, streamCreditBytes: 4096 })]);
    expect(Buffer.from(hello).toString('hex')).toBe('0800000001000100000000007553647900000100' + '00100000');
    expect(readHello(decode([hello])[0]!)).toEqual({ version: 1, frameBytesMax: 65_536, streamCreditBytes: 4096 });
  });

  test('hello: longer one of a later version, read; another magic or a cut one, refused', () => {
    const hello = helloFrame({ version: 9, frameBytesMax: 65_536, streamCreditBytes: 1 });
    expect(readHello({ ...hello, body: new Uint8Array([...hello.body, 1, 2, 3]) }).version).toBe(9);
    const told = helloFrame({ version: 1, frameBytesMax: 65_536, streamCreditBytes: 0, realm: 'cluster-ü' });
    expect(readHello({ ...told, body: new Uint8Array([...told.body, 1, 2, 3]) }).realm).toBe('cluster-ü');
    expect(() => readHello({ ...hello, extra: 1 })).toThrow(/no hello/);
    expect(() => readHello({ ...hello, body: hello.body.subarray(0, 7) })).toThrow(/cut short/);
  });
});
