/**
 * A request and an answer of every operation with all their fields set, made by reflection of the .proto files: a field that is added later is in it. The first byte
 * is the operation's place in the table.
 */
import path from 'node:path';
import protobuf from 'protobufjs';
import { operations } from '../../src/metadata/operations.js';

const PROTO = path.resolve('proto');
/** Strings that are looked at. */
const TEXTS: Readonly<Record<string, string>> = {
  path: '/a/b',
  from: '/a/b',
  to: '/a/c',
  uri: 'memory://store',
  user: 'o',
  name: 'user.x',
  address: 'other:1',
};

export const requestSeeds = (): Buffer[] => seedsOf(({ request }) => request);
export const answerSeeds = (): Buffer[] => seedsOf(({ response }) => response);

function seedsOf(part: (operation: (typeof operations)[keyof typeof operations]) => unknown): Buffer[] {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => path.join(PROTO, target);
  root.loadSync(['journal.proto', 'records.proto', 'rpc.proto', 'namespace.proto']).resolveAll();
  return Object.values(operations).map((operation, at) => {
    const type = root.lookupType(`understudy.${(part(operation) as { name: string }).name}`);
    return Buffer.concat([Uint8Array.of(at), type.encode(type.fromObject(sample(type, 0))).finish()]);
  });
}

function sample(type: protobuf.Type, depth: number): Record<string, unknown> {
  const fields = depth > 3 ? [] : type.fieldsArray.filter((field) => field.name !== 'freshness');
  return Object.fromEntries(fields.map((field) => [field.name, field.repeated ? [value(field, depth)] : value(field, depth)]));
}

function value(field: protobuf.Field, depth: number): unknown {
  if (field.resolvedType instanceof protobuf.Type) return sample(field.resolvedType, depth + 1);
  if (field.resolvedType instanceof protobuf.Enum) return 0;
  if (field.type === 'bool') return false;
  if (field.type === 'string') return TEXTS[field.name] ?? '/a/b';
  return field.type === 'bytes' ? Buffer.from('bytes') : 1;
}
