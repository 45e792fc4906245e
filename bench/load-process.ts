/**
 * The process that makes the load: a client of the cluster, or of an echoing server, that keeps so many calls in flight.
 */
import { performance } from 'node:perf_hooks';
import { silentLog } from '../src/base/log.js';
import { systemClock } from '../src/base/system-clock.js';
import { FileSystem } from '../src/cli/understudy.js';
import type { RpcConnection } from '../src/rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../src/rpc/rpc-connection.js';
import { tcpNetwork } from '../src/rpc/tcp-network.js';
import type { Load, LoadAnswer, LoadRequest, Measured, Place } from './load.js';
import { type Call, callOf } from './load-operations.js';
import { paced } from './paced-load.js';
import { SilenceWatch } from './silence-watch.js';

const ECHO_TIMEOUT_MS = 30_000;
const WARM_UP_SHARE = 0.2;

let place: Place | undefined;
let fs: FileSystem | undefined;
let watch: SilenceWatch | undefined;

process.on('message', (request: LoadRequest) => {
  if (request.kind === 'mark') return watch?.mark(request.atMs);
  answerTo(request).then(
    (answer) => process.send?.(answer),
    (error) => process.send?.({ error: error instanceof Error ? error.message : String(error) } satisfies LoadAnswer),
  );
});
process.on('disconnect', () => process.exit());

async function answerTo(request: Exclude<LoadRequest, { kind: 'mark' }>): Promise<LoadAnswer> {
  switch (request.kind) {
    case 'connect':
      place = request.place;
      return { done: true };
    case 'run':
      return { measured: await run(request.load) };
    case 'pace':
      return { paced: await paced(await fileSystem(), request.pace) };
    case 'write':
      watch = new SilenceWatch(await fileSystem(), request.base, request.writers);
      return { done: true };
    case 'silence': {
      if (watch === undefined) throw new Error('nothing is being written');
      const silence = await watch.stop();
      watch = undefined;
      return { silence };
    }
  }
}

async function fileSystem(): Promise<FileSystem> {
  if (place === undefined) throw new Error('not connected');
  fs ??= await FileSystem.connect(place);
  return fs;
}

async function run(load: Load): Promise<Measured> {
  const { operation } = load;
  if (operation !== 'echo') return measure(load, callOf(load, operation, await fileSystem()));
  const connection = await connectEcho();
  try {
    return await measure(load, echoCall(connection, load.perDirectory));
  } finally {
    await connection.close();
  }
}

function connectEcho(): Promise<RpcConnection> {
  const deps = { network: tcpNetwork, clock: systemClock, log: silentLog };
  return connectRpc(RPC_CLIENT_DEFAULTS, deps, place?.masters[0] ?? '', AbortSignal.timeout(ECHO_TIMEOUT_MS));
}

/** @param answerBytes what is asked back for a request of the size that namespace calls have. */
function echoCall(connection: RpcConnection, answerBytes: number): Call {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(answerBytes);
  return async () => {
    await connection.call(1, body, { timeoutMs: ECHO_TIMEOUT_MS });
    return 1;
  };
}

/** Keeps `inFlight` calls going; counts those that began after the warm-up and, to the end, those that ended. */
async function measure(load: Load, call: Call): Promise<Measured> {
  const { from, to, around = false, inFlight, restMs = 0, warmUpMs, measureMs } = load;
  const latencies: number[] = [];
  const warmUpTo = around ? Number.POSITIVE_INFINITY : from + Math.floor((to - from) * WARM_UP_SHARE);
  let next = from;
  let units = 0;
  let startMs = performance.now();
  let warm = warmUpMs === 0;
  const warmAtMs = startMs + warmUpMs;
  let endMs = startMs;
  const worker = async (): Promise<void> => {
    while (around || next < to) {
      const beganMs = performance.now();
      if (!warm && (beganMs >= warmAtMs || next >= warmUpTo)) {
        warm = true;
        startMs = beganMs;
      }
      if (warm && beganMs - startMs >= measureMs) return;
      const counted = warm;
      const index = next++;
      const handled = await call(around ? from + ((index - from) % (to - from)) : index);
      if (counted) {
        endMs = performance.now();
        units += handled;
        latencies.push(endMs - beganMs);
      }
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return {
    calls: sorted.length,
    units,
    seconds: (endMs - startMs) / 1000,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    longestMs: quantile(1),
    next,
  };
}
