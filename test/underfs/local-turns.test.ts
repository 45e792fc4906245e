import { expect, test } from 'vitest';
import { deferred } from '../../src/base/wait.js';
import { local } from '../../src/underfs/local-errors.js';
import { errorOf } from '../contract/journal-contract.js';

test('turns: of a file system that hangs, are twelve, whatever is asked of it; each that ends lets another begin', async () => {
  const hangs = Array.from({ length: 40 }, () => deferred<void>());
  let begun = 0;
  const asked = hangs.map(({ promise }, at) =>
    local('stat', `/f${at}`, () => {
      begun += 1;
      return promise;
    }),
  );
  await new Promise(setImmediate);
  expect(begun).toBe(12);
  hangs[0]?.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }));
  hangs[1]?.resolve();
  expect(await errorOf(asked[0] as Promise<void>)).toMatchObject({ code: 'not_found' });
  await new Promise(setImmediate);
  expect(begun).toBe(14);
  for (const { resolve } of hangs) resolve();
  await Promise.all(asked.slice(1));
  expect(begun).toBe(40);
});
