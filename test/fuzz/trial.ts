/**
 * One input, tried on one decoder under bounds of time and memory.
 *
 * Time is the processor's, so that a busy machine is no finding. Memory is what the heap and buffers outside of it have grown by when the decoder
 * returns: what it allocated at a length field's word is still there then. An input that never ends is the watchdog's (watchdog.ts).
 */
import { getHeapStatistics } from 'node:v8';
import { isRefusal, type Target } from './target.js';

const CPU_MS_MAX = 1_000;
const MEMORY_BYTES_MAX = 48 << 20;
/** Decoded, a byte takes so much at most: an empty submessage of two bytes becomes an object. */
const MEMORY_PER_INPUT_BYTE = 256;

export interface Trial {
  readonly accepted: boolean;
  /** What the decoder may not do, if it did so. */
  readonly finding?: string;
}

export async function tryInput(target: Target, input: Buffer): Promise<Trial> {
  const memoryBefore = memoryBytes();
  const cpuBefore = process.cpuUsage();
  const trial = await decoded(target, input);
  if (trial.finding !== undefined) return trial;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1_000;
  const grownBytes = memoryBytes() - memoryBefore;
  if (cpuMs > CPU_MS_MAX) return { ...trial, finding: `hang: took ${Math.round(cpuMs)} ms of ${input.length} bytes` };
  if (grownBytes > MEMORY_BYTES_MAX + MEMORY_PER_INPUT_BYTE * input.length) {
    return { ...trial, finding: `allocation: took ${grownBytes >> 20} MiB for ${input.length} bytes` };
  }
  return trial;
}

async function decoded(target: Target, input: Buffer): Promise<Trial> {
  // The decoder's own: it may keep it, and what it changes in it is its own.
  const copy = Buffer.from(input);
  try {
    const running = target.run(copy);
    if (running instanceof Promise) await running;
    return { accepted: true };
  } catch (error) {
    if (isRefusal(target, error)) return { accepted: false };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const code = error instanceof Error && 'code' in error ? `code=${String(error.code)} ` : '';
    return { accepted: false, finding: `${code}${text.split('\n').slice(0, 6).join('\n')}` };
  }
}

function memoryBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
