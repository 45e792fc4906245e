import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { StreamCall } from '../../src/rpc/client-call.js';
import { bodyFrame, KIND } from '../../src/rpc/frame.js';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

test('stream: its loop stays one item behind, what was taken is let go', async () => {
  const call = new StreamCall(1, Number.POSITIVE_INFINITY, 1 << 20, () => {});
  const arrive = () => call.received(bodyFrame(KIND.item, 1, new Uint8Array(64 << 10)));
  const taken: WeakRef<Uint8Array>[] = [];
  arrive();
  for (let index = 0; index < 500; index += 1) {
    arrive();
    const body = await call.take();
    if (body !== undefined) taken.push(new WeakRef(body));
  }
  // A WeakRef holds until the end of the turn that made it.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(taken).toHaveLength(500);
  expect(taken.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(5);
  expect(await call.take()).toHaveLength(64 << 10);
});

test('stream: taken at any pace, every item comes once and in order', async () => {
  const call = new StreamCall(1, Number.POSITIVE_INFINITY, 1 << 20, () => {});
  const seen: number[] = [];
  let sent = 0;
  for (const burst of [1, 7, 2, 30, 1, 1, 64, 3]) {
    for (let index = 0; index < burst; index += 1, sent += 1) call.received(bodyFrame(KIND.item, 1, Uint8Array.of(sent)));
    for (let index = 0; index < Math.ceil(burst / 2); index += 1) seen.push((await call.take())?.[0] ?? -1);
  }
  while (seen.length < sent) seen.push((await call.take())?.[0] ?? -1);
  expect(seen).toEqual(Array.from({ length: sent }, (_, index) => index));
});
