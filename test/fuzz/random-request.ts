/**
 * Requests that are well formed and make little sense: each field by chance left out, one of a few values that mean something to the others, or an
 * edge. Made by reflection of the .proto files, as request-seeds.ts.
 */
import path from 'node:path';
import protobuf from 'protobufjs';
import { operations } from '../../src/metadata/operations.js';
import type { SeededRandom } from '../simulation/seeded-random.js';

export type OperationName = keyof typeof operations;

/** Fields that are not left to chance. */
export type Fixed = (field: string) => unknown;

const PROTO = path.resolve('proto');
const NUMBERS = [0, 0, 1, 1, 2, 3, 7, 0o777, 1_024, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 2 ** 20, 2 ** 53 - 1];
const PATHS = ['/', '/a', '/a/b', '/a/b/c', '/b', '/b/f', '/f', '/f/g', '/.trash', '/.Trash', '/m', '/m/x'];
const ODD_TEXTS = [
  '',
  ' ',
  '.',
  '..',
  '//',
  '/../a',
  'a',
  'o',
  'user.x',
  'user.',
  '*',
  '\0',
  '/a\0b',
  '\u{1f600}',
  '\ufffd',
  'memory://x',
  'file:///',
  'x'.repeat(300),
];
const DEEP = `/${Array.from({ length: 600 }, () => 'd').join('/')}`;
const DEPTH_MAX = 4;

export class RandomRequests {
  readonly #root = new protobuf.Root();
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#root.resolvePath = (_origin, target) => path.join(PROTO, target);
    this.#root.loadSync(['journal.proto', 'records.proto', 'rpc.proto', 'namespace.proto', 'worker.proto']).resolveAll();
  }

  of(name: OperationName, fixed: Fixed): Buffer {
    return this.ofMessage((operations[name].request as unknown as { name: string }).name, fixed);
  }

  /** @param message its name in the .proto files. */
  ofMessage(message: string, fixed: Fixed): Buffer {
    const type = this.#root.lookupType(`understudy.${message}`);
    return Buffer.from(type.encode(type.fromObject(this.#fields(type, fixed, 0))).finish());
  }

  #fields(type: protobuf.Type, fixed: Fixed, depth: number): Record<string, unknown> {
    const random = this.#random;
    const fields: Record<string, unknown> = {};
    for (const field of type.fieldsArray) {
      const given = fixed(field.name);
      if (given !== undefined) fields[field.name] = given;
      else if (depth <= DEPTH_MAX && random.chance(0.6))
        fields[field.name] = field.repeated ? this.#several(type, field, fixed, depth) : this.#value(type, field, fixed, depth);
    }
    return fields;
  }

  #several(type: protobuf.Type, field: protobuf.Field, fixed: Fixed, depth: number): unknown[] {
    return Array.from({ length: this.#random.below(4) }, () => this.#value(type, field, fixed, depth));
  }

  #value(type: protobuf.Type, field: protobuf.Field, fixed: Fixed, depth: number): unknown {
    const random = this.#random;
    if (type.name === 'MultiStep' && field.name === 'request')
      return this.of(random.pick(Object.keys(operations) as OperationName[]), () => undefined);
    if (type.name === 'MultiStep' && field.name === 'method') return random.pick(Object.values(operations)).method;
    if (field.resolvedType instanceof protobuf.Type) return this.#fields(field.resolvedType, fixed, depth + 1);
    if (field.resolvedType instanceof protobuf.Enum) return random.below(4);
    if (field.type === 'bool') return random.chance(0.5);
    if (field.type === 'string') return this.#text(field.name);
    if (field.type === 'bytes') return Buffer.from(random.bytes(random.pick([0, 1, 16, 32, 33])));
    const number = random.pick(NUMBERS);
    return /32$/.test(field.type) ? number % 2 ** 32 : number;
  }

  #text(name: string): string {
    const random = this.#random;
    if (random.chance(0.15)) return random.chance(0.1) ? DEEP : random.pick(ODD_TEXTS);
    if (/path|^from$|^to$|source|target/i.test(name)) return random.pick(PATHS);
    if (/user|owner|group|principal/i.test(name)) return random.pick(['o', 'g', 'stranger']);
    if (/uri/.test(name)) return random.pick(['memory://s', 'memory://t/x']);
    if (/address/.test(name)) return random.pick(['m2:19998', 'nobody:1']);
    return random.pick([...ODD_TEXTS, ...PATHS]);
  }
}
