/** Bytes that come one after the other, held against how many have to come. */
import { UnderstudyError } from '../base/errors.js';
import { throwIfAborted } from '../base/wait.js';

/** @returns the chunks, none of them empty. @throws `invalid_argument`, at the end at the latest: there are more or fewer than `length` bytes. */
export async function* wholeOf(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  length: number,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  let came = 0;
  throwIfAborted(signal);
  for await (const chunk of chunks) {
    throwIfAborted(signal);
    came += chunk.length;
    if (came > length) break;
    if (chunk.length > 0) yield chunk;
  }
  throwIfAborted(signal);
  if (came === length) return;
  const what = came > length ? 'more bytes came than were told' : 'fewer bytes came than were told';
  throw new UnderstudyError('invalid_argument', `${what}: path=${path} told=${length} came=${came}`);
}
