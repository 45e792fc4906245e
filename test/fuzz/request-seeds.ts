/**
 * A request and an answer of every operation with all their fields set, made by reflection of the .proto files: a field that is added later is in it.
 * The first byte is the operation's place in the table.
 */
import path from 'node:path';
import protobuf from 'protobufjs';
import { checksumsOf } from '../../src/blocks/chunk-checksums.js';
import { dataOperations } from '../../src/blocks/data-operations.js';
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

/** Of a worker: those of one that holds block 1-0-0, of a client that is writing its first block there. */
export function dataRequestSeeds(): Buffer[] {
  const bytes = Buffer.from('bytes');
  const piece = { offset: 0, bytes, crcs: checksumsOf(bytes) };
  const block = { inodeId: 1, index: 1, generation: 1 };
  const { readBlock, openBlock, writeBlock, sealBlock, dropBlock, findBlock } = dataOperations;
  const under = { mountId: 1, path: 'a/b', length: 10, fingerprint: 'x', fileLength: 10, modifiedMs: 1 };
  const bodies: readonly (readonly [operation: { readonly method: number }, body: Uint8Array])[] = [
    [readBlock, readBlock.request.encode({ block: { inodeId: 1 }, offset: 0, length: 10, under, readType: 'NO_CACHE' }).finish()],
    [
      openBlock,
      openBlock.request.encode({ block, bytesMax: 10, copyTo: ['other:1'], evictable: true, lend: true, passedOn: true }).finish(),
    ],
    [openBlock, openBlock.request.encode({ block, bytesMax: 10, whole: piece }).finish()],
    [writeBlock, writeBlock.request.encode({ writing: 1, piece }).finish()],
    [writeBlock, writeBlock.request.encode({ writing: 1, lentBytes: 7 }).finish()],
    [sealBlock, sealBlock.request.encode({ writing: 1, length: 0 }).finish()],
    [dropBlock, dropBlock.request.encode({ writing: 1 }).finish()],
    [findBlock, findBlock.request.encode({ block: { inodeId: 1 }, unpin: [1, 300] }).finish()],
  ];
  const methods = Object.values(dataOperations).map(({ method }) => method);
  return bodies.map(([{ method }, body]) => Buffer.concat([Uint8Array.of(methods.indexOf(method as never)), body]));
}

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
