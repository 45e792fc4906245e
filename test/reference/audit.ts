/**
 * Compares all that the program keeps with all that the reference model knows: every row of the store has its reason, nothing is missing, and
 * a standby that replays the journal comes to the same digest.
 */
import { MemoryStores } from '../../src/kv/memory-store.js';
import type { Replica } from '../../src/master/replica.js';
import { configCodec } from '../../src/metadata/cluster-config.js';
import { cursorCodec } from '../../src/metadata/cursors.js';
import { decodeChildName, decodeId, decodePair, STATE_RANGE } from '../../src/metadata/keys.js';
import { inodeCodec, inodeMessage, parentCodec } from '../../src/metadata/records.js';
import { usageCodec } from '../../src/metadata/usage.js';
import { xattrsCodec } from '../../src/metadata/xattrs.js';
import { openReplica } from '../metadata/journaled-state.js';
import { shownConfig } from './config.js';
import { byBytes, type Node, usageOf } from './inode.js';
import type { Leader } from './leader.js';
import type { ReferenceNamespace } from './namespace.js';
import { shownOf, shownOfMessage } from './shown.js';

/** @returns what is wrong. All is committed, and all that was detached is reaped. */
export async function audit(model: ReferenceNamespace, { replica, batches }: Leader): Promise<string[]> {
  const [{ digest: there }, wrong] = [await replica.writeBehind.digest(), await differences(model, replica)];
  const standby = await openReplica(new MemoryStores(), 30);
  try {
    for (const batch of batches) await standby.replica.applyBatch(batch);
    const { digest: here } = await standby.replica.writeBehind.digest();
    if (here.low !== there.low || here.high !== there.high) wrong.push('a standby has another digest');
    return [...wrong, ...standby.failures.map((failure) => `a standby failed: ${failure}`)];
  } finally {
    await standby.replica.close();
  }
}

async function differences(model: ReferenceNamespace, replica: Replica): Promise<string[]> {
  const [expected, found] = [expectedRows(model), await foundRows(replica)];
  const keys = [...new Set([...expected.keys(), ...found.keys()])].sort(byBytes);
  return keys
    .filter((key) => expected.get(key) !== found.get(key))
    .map((key) => `row ${key}:\n  found    ${found.get(key)}\n  expected ${expected.get(key)}`);
}

/** By what it stands for: the row's letter and the ids of its key. */
function expectedRows(model: ReferenceNamespace): Map<string, string> {
  const rows = new Map<string, string>([[`d 0 ""`, JSON.stringify(shownOf(model.root))]]);
  const add = (node: Node): void => {
    const { files, directories, bytes } = usageOf(node);
    if (files + directories > 0) rows.set(`u ${node.id}`, `${files} ${directories} ${bytes}`);
    if (node.ttlMs !== null) rows.set(`t ${node.createdMs + node.ttlMs}/${node.id}`, '');
    if (node.lease !== null && node.lease.client !== 0) rows.set(`o ${node.lease.client}/${node.id}`, '');
    if (!node.directory && node.complete && node.persistence === 1) rows.set(`b ${node.id}`, '');
    const xattrs = [...node.xattrs].sort(([a], [b]) => byBytes(a, b));
    if (xattrs.length > 0) rows.set(`a ${node.id}`, JSON.stringify(xattrs));
    for (const [name, child] of node.children) {
      rows.set(`d ${node.id} ${JSON.stringify(name)}`, JSON.stringify(shownOf(child)));
      rows.set(`p ${child.id}`, `${node.id} ${JSON.stringify(name)}`);
      add(child);
    }
  };
  add(model.root);
  for (const [name, { path, sn, movedMs }] of model.cursors) rows.set(`f ${name}`, `${path} ${sn} ${movedMs}`);
  if (model.config.size > 0) rows.set('config', shownConfig(model.config));
  return rows;
}

async function foundRows({ kv }: Replica): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const snapshot = kv.snapshot();
  for await (const rows of snapshot.rows(STATE_RANGE, 1_000)) {
    for (const [key, value] of rows) {
      const letter = String.fromCharCode(key[0] ?? 0);
      const reader = READERS[letter];
      const read = reader?.(key, value) ?? null;
      if (read !== null) found.set(...read);
    }
  }
  await snapshot.close();
  return found;
}

const READERS: Readonly<Record<string, (key: Uint8Array, value: Uint8Array) => [string, string] | null>> = {
  d: (key, value) => [
    `d ${decodeId(key)} ${JSON.stringify(decodeChildName(key))}`,
    JSON.stringify(shownOfMessage(inodeMessage(inodeCodec.decode(value)))),
  ],
  p: (key, value) => {
    const { parentId, name } = parentCodec.decode(value);
    return [`p ${decodeId(key)}`, `${parentId} ${JSON.stringify(name)}`];
  },
  u: (key, value) => {
    const { files, directories, bytes } = usageCodec.decode(value);
    return [`u ${decodeId(key)}`, `${files} ${directories} ${bytes}`];
  },
  a: (key, value) => [
    `a ${decodeId(key)}`,
    JSON.stringify(xattrsCodec.decode(value).map((each) => [each.name, Buffer.from(each.value).toString()])),
  ],
  t: (key) => [`t ${decodePair(key)}`, ''],
  o: (key) => [`o ${decodePair(key)}`, ''],
  f: (key, value) => {
    const { path, sn, movedMs } = cursorCodec.decode(value);
    return [`f ${Buffer.from(key).subarray(1)}`, `${path} ${sn} ${movedMs}`];
  },
  b: (key) => [`b ${decodeId(key)}`, ''],
  g: (key) => [`g ${decodeId(key)}`, ''],
  s: (key, value) => {
    const name = Buffer.from(key).subarray(1).toString();
    if (name !== 'config') return null;
    const places = configCodec
      .decode(value)
      .places.map(({ path, properties }) => [path, new Map(properties.map((each) => [each.key, each.value]))] as const);
    return ['config', shownConfig(new Map(places))];
  },
};
