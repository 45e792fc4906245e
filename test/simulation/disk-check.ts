/**
 * The stores of all masters as a world leaves them: each is opened and counted row by row, and compared with the others (I4).
 */
import { asError } from '../../src/base/errors.js';
import type { MemoryStores } from '../../src/kv/memory-store.js';
import { type FlushMark, type JournalIdentity, readMark } from '../../src/metadata/flush-mark.js';
import { STATE_RANGE } from '../../src/metadata/keys.js';
import { verifyStore } from '../../src/metadata/verify-store.js';

interface Found {
  readonly host: string;
  readonly mark: FlushMark;
  readonly rows: ReadonlyMap<string, string>;
}

interface Checked {
  readonly violations: readonly string[];
  /** Rows of one store that were held against another's. */
  readonly compared: number;
}

/** @returns what is wrong with them. Nobody may have them open. */
export async function checkDisks(disks: ReadonlyMap<string, MemoryStores>, identity: JournalIdentity): Promise<Checked> {
  let compared = 0;
  const violations: string[] = [];
  const stores: Found[] = [];
  for (const [host, disk] of disks) {
    try {
      stores.push(await readAll(host, disk, identity));
    } catch (error) {
      violations.push(`I4: the store of ${host} is not what it says: ${asError(error).message}`);
    }
  }
  for (const [at, one] of stores.entries())
    for (const other of stores.slice(at + 1)) {
      if (one.mark.sn !== other.mark.sn) continue;
      compared += one.rows.size;
      const row = differingRow(one.rows, other.rows);
      if (row !== undefined) violations.push(`I4: the stores of ${one.host} and ${other.host} differ at sn ${one.mark.sn}: row=${row}`);
    }
  return { violations, compared };
}

async function readAll(host: string, disk: MemoryStores, identity: JournalIdentity): Promise<Found> {
  await using store = await disk.open();
  const mark = readMark(store, identity);
  const snapshot = store.snapshot();
  try {
    await verifyStore(snapshot, mark, async () => {}, new AbortController().signal);
    const rows = new Map<string, string>();
    for await (const chunk of snapshot.rows(STATE_RANGE, 1_000)) for (const [key, value] of chunk) rows.set(hex(key), hex(value));
    return { host, mark, rows };
  } finally {
    await snapshot.close();
  }
}

function differingRow(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string | undefined {
  for (const key of new Set([...one.keys(), ...other.keys()])) if (one.get(key) !== other.get(key)) return key;
  return undefined;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
