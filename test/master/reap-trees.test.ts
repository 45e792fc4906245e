import { afterEach, expect, test } from 'vitest';
import { ServedNamespace } from '../client/served-namespace.js';
import { waitUntil } from '../servers/wait-until.js';

let served: ServedNamespace | undefined;
afterEach(() => served?.[Symbol.asyncDispose]());

/** @returns how many rows of these letters the store of the leader holds, once all changes are in it. */
async function rows(letters: string): Promise<number> {
  const replica = served!.cluster.masters.find(({ leads }) => leads)?.replica;
  if (!replica) return -1;
  await replica.writeBehind.digest();
  const snapshot = replica.kv.snapshot();
  let count = 0;
  for (const letter of letters) {
    const code = letter.charCodeAt(0);
    for await (const chunk of snapshot.rows({ gte: Uint8Array.of(code), lt: Uint8Array.of(code + 1) }, 1_000)) count += chunk.length;
  }
  await snapshot.close();
  return count;
}

test('deep, wide and branching trees, beside what is made meanwhile: nothing is left of them, and all of the rest', async () => {
  served = await ServedNamespace.open();
  const fs = served.client();
  await fs.createFile('/kept/f', { recursive: true, completeLength: 1 });
  const before = await rows('dpug');
  await fs.createDirectory(`/deep${'/d'.repeat(200)}`, { recursive: true });
  await Promise.all(Array.from({ length: 1_500 }, (_, at) => fs.createFile(`/wide/f${at}`, { recursive: true, completeLength: 1 })));
  await Promise.all(
    Array.from({ length: 600 }, (_, at) => fs.createFile(`/many/d${at % 300}/f${at}`, { recursive: true, completeLength: 1 })),
  );
  for (const path of ['/deep', '/wide', '/many']) await fs.remove(path, { recursive: true });
  await fs.createFile('/wide/g', { recursive: true, completeLength: 1 });
  await waitUntil('the trees are reaped', async () => (await rows('g')) === 0 && (await rows('dpug')) === before + 5);
  expect((await fs.getStatus('/wide/g')).length).toBe(1);
});

test('a leader that ends in the middle: the next one goes on', async () => {
  served = await ServedNamespace.open(['a', 'b']);
  const fs = served.client();
  await fs.createDirectory('/kept');
  const before = await rows('dpug');
  await Promise.all(
    Array.from({ length: 3_000 }, (_, at) => fs.createFile(`/t/d${at % 700}/f${at}`, { recursive: true, completeLength: 1 })),
  );
  await waitUntil('the standby has them', () =>
    served!.cluster.masters.every(({ replica }) => replica?.state.usages.get(1)?.files === 3_000),
  );
  await fs.remove('/t', { recursive: true });
  const first = served.cluster.masters.find(({ leads }) => leads)!;
  served.cluster.masters = served.cluster.masters.filter((one) => one !== first);
  await first.close();
  await waitUntil('another one leads', () => served!.cluster.masters.some(({ leads }) => leads));
  await waitUntil('the tree is reaped', async () => (await rows('g')) === 0 && (await rows('dpug')) === before);
});
