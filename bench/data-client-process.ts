/**
 * The process that reads and writes the bytes of files, one measurement after the other.
 */
import { createReadStream } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileSystem } from '../src/cli/understudy.js';
import type { DataAnswer, DataMeasured, DataRequest, DataWork } from './data-load.js';

const MIB = 1 << 20;
const SMALL_BYTES = 4096;
const PATTERN = Buffer.alloc(MIB, 'understudy ');

const OVER_SOCKET: ReadonlySet<DataWork> = new Set(['write-over-socket', 'read-over-socket', 'read-lent']);

let fs: FileSystem | undefined;

process.on('message', (request: DataRequest) => {
  measure(request).then(
    (measured) => process.send?.({ measured } satisfies DataAnswer),
    (error: unknown) => process.send?.({ error: error instanceof Error ? String(error.stack) : String(error) } satisfies DataAnswer),
  );
});
process.on('disconnect', () => process.exit());

async function measure(request: DataRequest): Promise<DataMeasured> {
  const { work, path, bytes, count, inFlight } = request;
  const files = await fileSystem(request);
  const small = (n: number) => `${path}/${n}`;
  switch (work) {
    case 'write':
    case 'write-over-socket':
      return watched(request, async (progress) => {
        await using file = await files.create(path);
        for (let at = 0; at < bytes; at += MIB) {
          await file.write(PATTERN.subarray(0, Math.min(MIB, bytes - at)));
          progress(Math.min(at + MIB, bytes));
        }
        await file.close();
        return bytes;
      });
    case 'read':
    case 'read-over-socket':
      return watched(request, async (progress) => {
        const file = await files.open(path);
        return drained(file.readable(), progress);
      });
    case 'read-lent':
      return timed(1, async () => {
        const file = await files.open(path);
        let read = 0;
        for await (const chunk of file.lentChunks()) read += chunk.length;
        return read;
      });
    case 'read-plain':
      return timed(1, () => drained(createReadStream(path)));
    case 'random-reads': {
      const file = await files.open(path);
      const buffers = Array.from({ length: inFlight }, () => Buffer.alloc(MIB));
      return many(count, inFlight, (n, lane) =>
        file.read(buffers[lane] as Buffer, ((n * 7_919) % (bytes / MIB)) * MIB - (n % 2) * 4_000 * (n % 7)),
      );
    }
    case 'small-writes':
      await files.createDirectory(path, { recursive: true, allowExists: true });
      return warm(count, inFlight, async (n) => {
        await files.writeFile(small(n), PATTERN.subarray(0, SMALL_BYTES));
        return SMALL_BYTES;
      });
    case 'small-reads':
      return warm(count, inFlight, async (n) => (await files.readFile(small(n))).length);
  }
}

async function fileSystem({ masters, work }: DataRequest): Promise<FileSystem> {
  const data = OVER_SOCKET.has(work) ? { shortCircuitBytesMin: Number.POSITIVE_INFINITY } : {};
  fs ??= await FileSystem.connect({ masters, data });
  return fs;
}

/** `work` tells how many bytes have gone by, as they go. */
async function watched(
  { bytes, killAtHalf }: DataRequest,
  work: (progress: (bytes: number) => void) => Promise<number>,
): Promise<DataMeasured> {
  let isKilled = killAtHalf === undefined;
  let lastMs = performance.now();
  let gapMs = 0;
  const measured = await timed(1, () =>
    work((gone) => {
      const nowMs = performance.now();
      gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
      if (isKilled || gone < bytes / 2) return;
      isKilled = true;
      process.kill(killAtHalf as number, 'SIGKILL');
    }),
  );
  return { ...measured, gapMs, closeMs: performance.now() - lastMs };
}

async function drained(from: NodeJS.ReadableStream, progress: (bytes: number) => void = () => {}): Promise<number> {
  let bytes = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      progress(bytes);
      done();
    },
  });
  await pipeline(from, sink);
  return bytes;
}

async function timed(units: number, work: () => Promise<number>): Promise<DataMeasured> {
  const startMs = performance.now();
  const bytes = await work();
  return { bytes, units, seconds: (performance.now() - startMs) / 1000, p50Ms: 0, p99Ms: 0 };
}

/** Files [0, count); a fifth as many others before, as in all measurements of single calls, while the processes are still compiling. */
async function warm(count: number, inFlight: number, one: (n: number) => Promise<number>): Promise<DataMeasured> {
  await many(count / 5, inFlight, (n) => one(count + n));
  return many(count, inFlight, one);
}

/** `count` of them, so many in flight. */
async function many(count: number, inFlight: number, one: (n: number, lane: number) => Promise<number>): Promise<DataMeasured> {
  const tookMs: number[] = [];
  let next = 0;
  const measured = await timed(count, async () => {
    let bytes = 0;
    const lanes = Array.from({ length: inFlight }, async (_, lane) => {
      while (next < count) {
        const n = next++;
        const startMs = performance.now();
        const got = await one(n, lane);
        bytes += got;
        tookMs.push(performance.now() - startMs);
      }
    });
    await Promise.all(lanes);
    return bytes;
  });
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => tookMs[Math.floor(share * (tookMs.length - 1))] ?? 0;
  return { ...measured, p50Ms: at(0.5), p99Ms: at(0.99) };
}
