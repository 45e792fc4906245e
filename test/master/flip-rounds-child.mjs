/**
 * Rounds of test/master/damaged-checkpoint.test.ts, in a process of their own, as LevelDB aborts it on some damage: in each a copy of a sound
 * store gets bits flipped, follows the journal to its end and makes a checkpoint. Tells each round's outcome on a line.
 *
 *     node flip-rounds-child.mjs <folder with `sound` and `batches.json`> <first round> <rounds>
 */
import { closeSync, cpSync, createWriteStream, openSync, readdirSync, readFileSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { asError, UnderstudyError } from '../../dist/base/errors.js';
import { silentLog } from '../../dist/base/log.js';
import { systemClock } from '../../dist/base/system-clock.js';
import { LevelStores } from '../../dist/kv/level-store.js';
import { makeCheckpoint } from '../../dist/master/make-checkpoint.js';
import { Replica } from '../../dist/master/replica.js';

const FLIPS_MAX = 40;
const SETTINGS = { inodeCacheMax: 64, flushRows: 500, flushIntervalMs: 1_000, recentBytesMax: 1_000 };
/** Small, so that rows are in tables, and read from there. */
const LEVEL = { writeBufferBytes: 64 << 10, cacheBytes: 8 << 10 };
const NOTHING = { checkpoints: [], boundary: null };

const [folder = '', first, rounds] = process.argv.slice(2);
const batches = JSON.parse(readFileSync(path.join(folder, 'batches.json'), 'utf8')).map((batch) => ({
  ...batch,
  ...{ entries: batch.entries.map(bytes), hash: bytes(batch.hash), previousHash: bytes(batch.previousHash), sealed: Buffer.alloc(1) },
}));
for (let round = Number(first); round < Number(rounds); round++) {
  process.stdout.write(`${JSON.stringify({ round, outcome: 'begun' })}\n`);
  process.stdout.write(`${JSON.stringify({ round, outcome: await runRound(round) })}\n`);
}

async function runRound(round) {
  const store = path.join(folder, `damaged-${round}`);
  cpSync(path.join(folder, 'sound'), store, { recursive: true });
  const isOpen = round % 3 === 2;
  if (!isOpen) flipBits(store, round);
  let replica;
  try {
    replica = await Replica.open(SETTINGS, replicaDeps(store, round), new AbortController().signal);
  } catch (error) {
    return `not opened: ${asError(error).code}`;
  }
  if (isOpen) flipBits(store, round);
  const outcome = await make(replica, round);
  await replica.close();
  rmSync(store, { recursive: true, force: true });
  return outcome;
}

async function make(replica, round) {
  const giveUp = new AbortController();
  const deps = { clusterId: 'cluster', checkpoints: checkpointsOf(round), clock: systemClock };
  const making = makeCheckpoint(replica, deps, () => {}, giveUp.signal).then(
    () => 'stored',
    (error) => (asError(error).cause instanceof UnderstudyError ? asError(error).cause.message : asError(error).message).split(':')[0],
  );
  try {
    for (const batch of batches) if (batch.firstSn > replica.end.sn) await replica.applyBatch(batch);
    await replica.writeBehind.digest();
  } catch {
    giveUp.abort(new UnderstudyError('aborted', 'the replica failed before'));
  }
  return await making;
}

function replicaDeps(store, round) {
  return {
    ...{ stores: new LevelStores(store, LEVEL), clock: systemClock, log: silentLog, advanced() {}, doing() {}, failed() {} },
    ...{ identity: { clusterId: 'cluster', incarnationId: 'first' }, checkpoints: checkpointsOf(round) },
  };
}

function checkpointsOf(round) {
  return {
    published: async () => NOTHING,
    async write(sn, chunks) {
      const parts = [];
      for await (const chunk of chunks) parts.push(chunk);
      const file = createWriteStream(path.join(folder, `stored-${round}`));
      await new Promise((resolve) => file.end(Buffer.concat(parts), resolve));
      return { sn, id: '0'.repeat(32), bytes: 1 };
    },
  };
}

/** Flips bits anywhere in the store's files, where most of the bytes are most often. */
function flipBits(store, round) {
  const files = readdirSync(store).flatMap((name) => (/^(LOCK|LOG)/.test(name) ? [] : [path.join(store, name)]));
  const sizes = files.map((file) => statSync(file).size);
  for (let flip = 0; flip <= round % FLIPS_MAX; flip++) {
    let at = Math.floor(Math.random() * sizes.reduce((sum, size) => sum + size, 0));
    let index = 0;
    for (; at >= sizes[index]; index++) at -= sizes[index];
    const fd = openSync(files[index], 'r+');
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    byte[0] ^= 1 << Math.floor(Math.random() * 8);
    writeSync(fd, byte, 0, 1, at);
    closeSync(fd);
  }
}

function bytes(text) {
  return Buffer.from(text, 'base64');
}
