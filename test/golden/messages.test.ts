/**
 * Stored messages as bytes: each golden file holds the fields of one and the bytes it was written as. Every field of every record is in one of
 * them, and every kind of journal entry is. A field that is added later makes a golden file of the next number.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { type Encodable, encodeMessage } from '../../src/base/encode-message.js';
import { decodeEntry, encodeEntry } from '../../src/metadata/entries.js';
import { decodeStrictly } from '../../src/metadata/strict.js';
import { goldenText } from './golden.js';

type Value = boolean | number | string | readonly Value[] | { readonly [field: string]: Value };
type Fields = Record<string, Value>;

interface Golden {
  readonly fields: Fields;
  readonly hex: string;
}

interface MessageClass extends Encodable<never> {
  decode(from: Uint8Array | protobuf.Reader): object;
}

const PROTO = path.join(import.meta.dirname, '../../proto');
const FOLDER = path.join(import.meta.dirname, 'messages');
const ENTRY = 'JournalEntry';
/** Fields of an entry that are no kind. */
const ENTRY_HEADER_MAX = 9;

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => path.join(PROTO, target);
root.loadSync(['journal.proto', 'records.proto', 'rpc.proto', 'namespace.proto']).resolveAll();
const messages = (root.lookup('understudy') as protobuf.Namespace).nestedArray.filter((one) => one instanceof protobuf.Type);
const entryType = root.lookupType(ENTRY);
const entryKinds = entryType.fieldsArray.filter(({ id }) => id > ENTRY_HEADER_MAX);
const isOf = (file: string) => (type: protobuf.Type) => type.filename?.endsWith(file) === true;
/** A step of several: an entry within an entry has one kind. */
const stepFields = entryType.fieldsArray.filter(({ name }) => name === 'path' || name === 'remove');
const records = messages.filter(isOf('records.proto'));

/** A value of each field that says which it is. */
function sample(field: protobuf.Field, depth = 0): Value {
  const one = (index: number): Value => {
    if (field.resolvedType === entryType) return sampleFields(stepFields, depth + 1);
    if (field.resolvedType instanceof protobuf.Type) return sampleFields(field.resolvedType.fieldsArray, depth + 1);
    if (field.resolvedType instanceof protobuf.Enum) return Math.max(...Object.values(field.resolvedType.values));
    if (field.type === 'bool') return true;
    if (field.type === 'string') return `${field.name} ${index} ü`;
    if (field.type === 'bytes') return Buffer.from([field.id, index, 0, 255]).toString('hex');
    return field.id * 1000 + index + (field.type === 'uint64' ? 2 ** 41 : 0);
  };
  return field.repeated ? [one(0), one(1)] : one(0);
}

function sampleFields(fields: readonly protobuf.Field[], depth = 0): Fields {
  return Object.fromEntries(fields.map((field) => [field.name, sample(field, depth)]));
}

/** JSON has no bytes: they are hexadecimal there. */
function toMessage(type: protobuf.Type, fields: Fields): Record<string, unknown> {
  const of = (field: protobuf.Field, value: Value): unknown => {
    if (field.resolvedType instanceof protobuf.Type) return toMessage(field.resolvedType, value as Fields);
    return field.type === 'bytes' ? Buffer.from(value as string, 'hex') : value;
  };
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const field = type.fields[name];
      if (!field) throw new Error(`${type.name} has lost its field ${name}`);
      return [name, Array.isArray(value) ? value.map((one) => of(field, one)) : of(field, value)];
    }),
  );
}

/** @returns what is set in a decoded message, as the golden files have it. */
function fromMessage(type: protobuf.Type, message: object): Fields {
  const of = (field: protobuf.Field, value: unknown): Value => {
    if (field.resolvedType instanceof protobuf.Type) return fromMessage(field.resolvedType, value as object);
    return field.type === 'bytes' ? Buffer.from(value as Uint8Array).toString('hex') : (value as Value);
  };
  const set = type.fieldsArray.filter(
    ({ name }) => Object.hasOwn(message, name) && !isEmptyList((message as Record<string, unknown>)[name]),
  );
  return Object.fromEntries(
    set.map((field) => {
      const value = (message as Record<string, unknown>)[field.name];
      return [field.name, Array.isArray(value) ? value.map((one) => of(field, one)) : of(field, value)];
    }),
  );
}

/** What a repeated field is where there is none of it. */
const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

const classOf = (name: string): MessageClass => (understudy as unknown as Record<string, MessageClass>)[name] as MessageClass;
const encode = (name: string, fields: Fields): Uint8Array => {
  const message = toMessage(root.lookupType(name), fields);
  return name === ENTRY ? encodeEntry(message) : encodeMessage(classOf(name), message as never);
};
/** Of an entry without a look at what it names: no release has the features in these files. */
const decode = (name: string, bytes: Uint8Array): object =>
  name === ENTRY ? decodeStrictly(understudy.JournalEntry, bytes, 'entry') : classOf(name).decode(bytes);

const present = (name: string): Map<string, Golden> => {
  const files = readdirSync(FOLDER).filter((file) => file.startsWith(`${name}-`));
  return new Map(files.map((file) => [file, JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Golden]));
};

/** What has golden files: every record by its name, and each kind of entry. */
const subjects: { name: string; message: string; fields: readonly protobuf.Field[] }[] = [
  ...records.map((type) => ({ name: type.name, message: type.name, fields: type.fieldsArray })),
  ...entryKinds.map((kind) => ({
    name: `${ENTRY}.${kind.name}`,
    message: ENTRY,
    fields: [...entryType.fieldsArray.filter(({ id }) => id <= ENTRY_HEADER_MAX), kind],
  })),
];

/** Every field set, that of messages within included: `inode.id`. */
function pathsOf(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const inner = Array.isArray(value) ? value : [value];
    const below = inner.flatMap((one) => (typeof one === 'object' && one !== null ? pathsOf(one as Fields, `${prefix}${name}.`) : []));
    return [`${prefix}${name}`, ...below];
  });
}

describe.each(subjects)('message $name', ({ name, message, fields }) => {
  it('every field is in a golden file', () => {
    const wanted = sampleFields(fields);
    const known = new Set([...present(name).values()].flatMap((golden) => pathsOf(golden.fields)));
    if (pathsOf(wanted).every((one) => known.has(one)) && present(name).size > 0) return;
    const made = { fields: wanted, hex: Buffer.from(encode(message, wanted)).toString('hex') };
    goldenText(`messages/${name}-${present(name).size + 1}.json`, `${JSON.stringify(made, null, 1)}\n`);
  });

  it('what was written once is read as it was meant, and written so still', () => {
    for (const [file, golden] of present(name)) {
      const bytes = Buffer.from(golden.hex, 'hex');
      expect(fromMessage(root.lookupType(message), decode(message, bytes)), file).toEqual(golden.fields);
      expect(Buffer.from(encode(message, golden.fields)).toString('hex'), file).toBe(golden.hex);
    }
  });
});

/** Field 1000, a number: of a later release. */
const LATER = Buffer.from([0xc0, 0x3e, 1]);

describe('a field of a later release', () => {
  it.each(entryKinds.map(({ name }) => name))('in an entry %s, at any depth: is refused', (kind) => {
    const [golden] = present(`${ENTRY}.${kind}`).values();
    const bytes = Buffer.from(golden?.hex ?? '', 'hex');
    const places = endsOfMessages(entryType, bytes);
    expect(places.length).toBeGreaterThan(1);
    for (const more of places) expect(() => decodeEntry(more, 7), more.toString('hex')).toThrow(/needs version: .*unknown field in/);
  });

  it('in an entry, as a kind of its own: is refused', () => {
    expect(() => decodeEntry(Buffer.concat([encodeEntry({ timeMs: 5 }), LATER]), 7)).toThrow('needs version');
    expect(() => decodeEntry(encodeEntry({ timeMs: 5 }), 7)).toThrow(/needs version: .*unknown kind of entry sn=7/);
  });

  it.each(messages.filter((type) => isOf('rpc.proto')(type) || isOf('namespace.proto')(type)).map(({ name }) => name))(
    'in %s, of the RPC: is passed over',
    (name) => {
      const type = root.lookupType(name);
      const fields = sampleFields(type.fieldsArray);
      expect(fromMessage(type, decode(name, Buffer.concat([encode(name, fields), LATER])))).toEqual(fields);
    },
  );
});

/** @returns `bytes` with a later field at the end of the message, and with one at the end of each message within it. */
function endsOfMessages(type: protobuf.Type, bytes: Buffer): Buffer[] {
  const found = [Buffer.concat([bytes, LATER])];
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const tag = reader.uint32();
    const inner = type.fieldsArray.find(({ id }) => id === tag >>> 3)?.resolvedType;
    if (!(inner instanceof protobuf.Type)) {
      reader.skipType(tag & 7);
      continue;
    }
    const tagEnd = reader.pos;
    const body = reader.bytes();
    for (const more of endsOfMessages(inner, Buffer.from(body))) {
      const length = protobuf.Writer.create().uint32(more.length).finish();
      found.push(Buffer.concat([bytes.subarray(0, from), bytes.subarray(from, tagEnd), length, more, bytes.subarray(reader.pos)]));
    }
  }
  return found;
}
