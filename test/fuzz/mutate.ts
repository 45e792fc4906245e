/**
 * Makes new inputs out of old ones, by chance from a seed: flipped bits, other lengths, edges of numbers and varints, parts doubled, moved, cut,
 * nested or taken from other inputs, odd UTF-8, and words that the format knows.
 */
import type { SeededRandom } from '../simulation/seeded-random.js';

/** No input grows past this. */
const INPUT_BYTES_MAX = 64 << 10;
const CHANGES_MAX = 4;
const REPEATS_MAX = 4_096;
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const WIDE_EDGES = [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const VARINTS = [
  '00',
  '01',
  '7f',
  '8001',
  'ff7f',
  'ffffffff0f',
  'ffffffff7f',
  'ffffffffffffffff7f',
  'ffffffffffffffffff01',
  'ffffffffffffffffffff',
];
/** Surrogates, overlong forms, a BOM, what is cut off, what is no letter, lines' ends of other worlds. */
const UTF8_ODDITIES = ['eda080', 'c080', 'efbbbf', 'e28', 'f4908080', 'ff', '00', 'e280a8', 'e280ae', '0d0a', 'c2a0', 'cc81', 'f09f9880'];

type Change = (input: Buffer, random: SeededRandom, pool: readonly Buffer[], words: readonly string[]) => Buffer;

/** @param pool inputs to take parts of. @returns a new one. */
export function mutate(input: Buffer, random: SeededRandom, pool: readonly Buffer[], words: readonly string[] = []): Buffer {
  let mutant: Buffer = Buffer.from(input);
  for (let left = 1 + random.below(CHANGES_MAX); left > 0; left--) mutant = random.pick(CHANGES)(mutant, random, pool, words);
  return mutant.length > INPUT_BYTES_MAX ? mutant.subarray(0, INPUT_BYTES_MAX) : mutant;
}

const flipBit: Change = (input, random) => {
  if (input.length === 0) return input;
  const at = random.below(input.length);
  input[at] = (input[at] ?? 0) ^ (1 << random.below(8));
  return input;
};

const setByte: Change = (input, random) => {
  if (input.length > 0) input[random.below(input.length)] = random.chance(0.5) ? random.below(256) : random.pick(EDGES) & 0xff;
  return input;
};

const setNumber: Change = (input, random) => {
  const bytes = random.pick([2, 4, 8]);
  if (input.length < bytes) return input;
  const at = random.below(input.length - bytes + 1);
  const isLittle = random.chance(0.6);
  if (bytes === 8) {
    const value = random.chance(0.5) ? random.pick(WIDE_EDGES) : BigInt(random.pick(EDGES));
    isLittle ? input.writeBigUInt64LE(value, at) : input.writeBigUInt64BE(value, at);
  } else {
    const value = random.chance(0.3) ? input.length + random.below(5) - 2 : random.pick(EDGES);
    const cut = Math.max(0, bytes === 2 ? value & 0xffff : value);
    isLittle ? input.writeUIntLE(cut, at, bytes) : input.writeUIntBE(cut, at, bytes);
  }
  return input;
};

const truncate: Change = (input, random) => input.subarray(0, random.below(input.length + 1));

const remove: Change = (input, random) => {
  const [from, to] = range(input, random);
  return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
};

const double: Change = (input, random) => {
  const [from, to] = range(input, random);
  return Buffer.concat([input.subarray(0, to), input.subarray(from)]);
};

/** Long runs show what grows faster than its input. */
const repeat: Change = (input, random) => {
  const [from, to] = range(input, random, 8);
  if (to === from) return input;
  const times = Math.min(1 + random.below(random.chance(0.1) ? REPEATS_MAX : 16), Math.floor(INPUT_BYTES_MAX / (to - from)));
  return Buffer.concat([input.subarray(0, to), ...Array<Buffer>(times).fill(input.subarray(from, to)), input.subarray(to)]);
};

const splice: Change = (input, random, pool) => {
  const other = random.pick(pool);
  const [from, to] = range(other, random);
  const at = random.below(input.length + 1);
  const rest = random.chance(0.5) ? input.subarray(at) : input.subarray(Math.min(input.length, at + to - from));
  return Buffer.concat([input.subarray(0, at), other.subarray(from, to), rest]);
};

const insert = (made: (random: SeededRandom, words: readonly string[]) => Buffer): Change => {
  return (input, random, _pool, words) => {
    const at = random.below(input.length + 1);
    return Buffer.concat([input.subarray(0, at), made(random, words), input.subarray(at)]);
  };
};

/** As a field of bytes within a message, and that again: how deep may it be? */
const nest: Change = (input, random) => {
  const field = ((1 + random.below(16)) << 3) | 2;
  let nested = input.subarray(0, 1_000);
  for (let depth = random.pick([1, 2, 10, 100, 2_000]); depth > 0 && nested.length < INPUT_BYTES_MAX; depth--) {
    nested = Buffer.concat([Uint8Array.of(field), varint(nested.length), nested]);
  }
  return nested;
};

const CHANGES: readonly Change[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setNumber,
  setNumber,
  truncate,
  remove,
  double,
  repeat,
  splice,
  nest,
  insert((random) => Buffer.from(random.bytes(1 + random.below(8)))),
  insert((random) => Buffer.from(random.pick(VARINTS), 'hex')),
  insert((random) => Buffer.from(random.pick(UTF8_ODDITIES), 'hex')),
  insert((random, words) => Buffer.from(words.length === 0 ? '/' : random.pick(words))),
];

function range(input: Buffer, random: SeededRandom, bytesMax = input.length): [from: number, to: number] {
  const from = random.below(input.length + 1);
  return [from, from + random.below(Math.min(bytesMax, input.length - from) + 1)];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}
