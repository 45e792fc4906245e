/** What comes over the network: frames, errors, requests of every operation, and the answers of a server that lies. */
import assert from 'node:assert/strict';
import type { understudy } from '#proto/understudy.js';
import { UnderstudyError } from '../../../src/base/errors.js';
import { fileStatus } from '../../../src/client/file-status.js';
import { decodeRequest, decodeResponse } from '../../../src/metadata/operation.js';
import { operations } from '../../../src/metadata/operations.js';
import { FRAME_HEADER_BYTES, type Frame, FrameDecoder, frameBytes, KIND, putHeader, readHello } from '../../../src/rpc/frame.js';
import { decodeError, encodeError } from '../../../src/rpc/rpc-error.js';
import { parseAddress } from '../../../src/rpc/tcp-network.js';
import { goldenBytes } from '../golden-bytes.js';
import { answerSeeds, requestSeeds } from '../request-seeds.js';
import { assertSameBytes, type Target } from '../target.js';

const FRAME_BYTES_MAX = 1 << 20;
const OPERATIONS = Object.values(operations);

export const rpcTargets: readonly Target[] = [
  {
    name: 'frames',
    refusals: ['invalid_argument'],
    seeds: () => [goldenBytes('frames-1.hex')],
    run(input) {
      const whole = framesOf([input]);
      const pieces: Buffer[] = [];
      for (let at = 0, size = 1; at < input.length; at += size, size = (size * 7 + 3) % 61) pieces.push(input.subarray(at, at + size));
      assertSameBytes(Buffer.concat(framesOf(pieces).map(encoded)), Buffer.concat(whole.map(encoded)), 'the same frames in pieces');
      const bytes = Buffer.concat(whole.map(encoded));
      assertSameBytes(bytes, input.subarray(0, bytes.length), 'frames');
      for (const frame of whole) if (frame.kind === KIND.hello) readHello(frame);
    },
  },
  {
    name: 'rpc-error',
    refusals: ['invalid_argument'],
    seeds: () => [
      encodeError(new UnderstudyError('not_leader', 'no', { leader: 'a:1', retryAfterMs: 5, sn: 7, errno: 'ENOENT', path: '/a' })),
    ],
    run(input) {
      const error = decodeError(input);
      assert(error instanceof UnderstudyError);
      encodeError(error);
    },
  },
  {
    name: 'request',
    refusals: ['invalid_argument'],
    seeds: requestSeeds,
    run(input) {
      const operation = OPERATIONS[(input[0] ?? 0) % OPERATIONS.length] as (typeof OPERATIONS)[number];
      const body = input.subarray(1);
      decodeRequest(operation.request as never, body);
      // What under stores are asked for comes before the plan, and sees the paths as they came.
      if ('prepare' in operation) operation.prepare(body).wishes({ ms: 1_000, number: 1 });
    },
  },
  {
    name: 'answer',
    refusals: ['internal', 'failed_precondition'],
    seeds: answerSeeds,
    run(input) {
      const { response } = OPERATIONS[(input[0] ?? 0) % OPERATIONS.length] as (typeof OPERATIONS)[number];
      const answer = decodeResponse<object>(response, input.subarray(1));
      // As clients show it.
      if ('inode' in answer) fileStatus('/a', (answer.inode ?? {}) as understudy.Inode.$Properties);
    },
  },
  {
    name: 'address',
    refusals: ['invalid_argument'],
    words: [':', '[', ']', '::1', '65535', '65536'],
    seeds: () => [Buffer.from('host:19998'), Buffer.from('[::1]:80'), Buffer.from('127.0.0.1:0')],
    run(input) {
      const { host, port } = parseAddress(input.toString());
      assert(host !== '' && port >= 0 && port <= 65_535);
    },
  },
];

function framesOf(pieces: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(FRAME_BYTES_MAX, (frame) => frames.push(frame));
  for (const piece of pieces) decoder.push(Uint8Array.from(piece));
  return frames;
}

function encoded(frame: Frame): Buffer {
  const bytes = Buffer.alloc(frameBytes(frame));
  putHeader(bytes, 0, frame);
  bytes.set(frame.body, FRAME_HEADER_BYTES);
  return bytes;
}
