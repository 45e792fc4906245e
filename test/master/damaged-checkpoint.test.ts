/**
 * Bits flipped in real LevelDB files, while the store is closed and while it is open, again and again: whatever LevelDB makes of it, no
 * checkpoint that differs from the state is ever stored.
 */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { Batch } from '../../src/journal/journal.js';
import { LevelStores } from '../../src/kv/level-store.js';
import { CheckpointReader } from '../../src/metadata/checkpoint-reader.js';
import { STATE_RANGE } from '../../src/metadata/keys.js';
import { JournaledState, openReplica } from '../metadata/journaled-state.js';
import { mustBeBuilt } from '../servers/built.js';
import { tracked } from '../servers/processes.js';

const FILES = 6_000;
const ROUNDS = 36;
const LEVEL = { writeBufferBytes: 64 << 10, cacheBytes: 8 << 10 };

test(`bits flipped in LevelDB's files, ${ROUNDS} times: no wrong checkpoint is ever stored`, { timeout: 120_000 }, async () => {
  mustBeBuilt();
  const folder = mkdtempSync(path.join(tmpdir(), 'understudy-flips-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { batches, rows } = await fill(path.join(folder, 'sound'));
  writeFileSync(path.join(folder, 'batches.json'), JSON.stringify(batches.map(plain)));

  const outcomes: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) round = await runFrom(folder, round, outcomes);
  let stored = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const file = path.join(folder, `stored-${round}`);
    if (!existsSync(file)) continue;
    stored += 1;
    expect(await contents(file)).toEqual(rows);
  }
  process.stdout.write(`stores with flipped bits: ${JSON.stringify(outcomes)}\n`);
  expect(outcomes.stored ?? 0).toBe(stored);
  // Damage of which nothing came would make this test prove nothing.
  expect(ROUNDS - stored).toBeGreaterThan(ROUNDS / 3);
});

/** Runs rounds from `first` on, until all are done or their process has died of the damage. @returns the last one. */
async function runFrom(folder: string, first: number, outcomes: Record<string, number>): Promise<number> {
  const args = [path.join(import.meta.dirname, 'flip-rounds-child.mjs'), folder, String(first), String(ROUNDS)];
  const child = tracked(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  let stderr = '';
  child.stderr?.on('data', (data) => {
    stderr += data;
  });
  let last: { round: number; outcome: string } = { round: first, outcome: 'begun' };
  for await (const line of createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })) {
    last = JSON.parse(line) as typeof last;
    if (last.outcome !== 'begun') outcomes[last.outcome] = (outcomes[last.outcome] ?? 0) + 1;
  }
  if (last.outcome !== 'begun') return last.round;
  // What LevelDB asserts ends the process; anything else is a defect of ours.
  expect(stderr).toMatch(/Assertion|^$/);
  outcomes['the process died'] = (outcomes['the process died'] ?? 0) + 1;
  return last.round;
}

/** Makes a store with many rows, most of them in tables. @returns the journal, which goes on to a boundary and tells its digest; the rows there. */
async function fill(store: string): Promise<{ batches: readonly Batch[]; rows: readonly string[] }> {
  const { replica } = await openReplica();
  const journaled = await JournaledState.begin(replica);
  for (let at = 0; at < FILES; at++) {
    journaled.run({ kind: 'createFile', body: { path: `/d${at % 20}/f${at}`, recursive: true } });
    if (at % 100 === 0) await journaled.seal();
  }
  await journaled.seal();
  const stored = await openReplica(new LevelStores(store, LEVEL), 500);
  for (const batch of journaled.batches) await stored.replica.applyBatch(batch);
  await stored.replica.writeBehind.digest();
  await stored.replica.close();
  // LevelDB makes tables of its log when it is opened.
  await (await new LevelStores(store, LEVEL).open()).close();
  journaled.append({ digest: { ofSn: 0, low: 0, high: 0 } });
  await journaled.seal();
  await replica.writeBehind.digest();
  journaled.append({ digest: replica.writeBehind.boundaries.newest });
  await journaled.seal();
  const snapshot = replica.kv.snapshot();
  const rows: string[] = [];
  for await (const chunk of snapshot.rows(STATE_RANGE, 1_000)) rows.push(...chunk.map(hex));
  await snapshot.close();
  return { batches: journaled.batches, rows };
}

function plain(batch: Batch): object {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return { ...batch, entries: batch.entries.map(text), hash: text(batch.hash), previousHash: text(batch.previousHash), sealed: '' };
}

async function contents(file: string): Promise<string[]> {
  await using reader = await CheckpointReader.open(createReadStream(file));
  const rows: string[] = [];
  for await (const chunk of reader.rows()) rows.push(...chunk.map(hex));
  return rows;
}

function hex([key, value]: readonly [Uint8Array, Uint8Array]): string {
  return `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`;
}
