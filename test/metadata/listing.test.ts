import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { understudy } from '../../generated/understudy.js';
import { firstNames } from '../../src/metadata/listing.js';
import { getStatus, listStatus } from '../../src/metadata/queries.js';
import { asAda } from './identities.js';
import { JournaledState, openReplica } from './journaled-state.js';

const utf8Order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const seen = async () => {};

async function list(journaled: JournaledState, request: understudy.ListStatusRequest.$Properties) {
  const { state, kv } = journaled.replica;
  await using pages = listStatus(new understudy.ListStatusRequest(request), state, kv, asAda);
  const out: understudy.ListStatusPage[] = [];
  for await (const page of pages.pages(seen)) out.push(understudy.ListStatusPage.decode(page));
  return out;
}

const names = (pages: readonly understudy.ListStatusPage[]) => pages.flatMap((page) => page.entries.map(({ name }) => name ?? ''));

describe('listing', () => {
  it('large inodes, stored or not: pages that fit in a frame, whatever number of entries is asked for', async () => {
    const { replica } = await openReplica();
    const journaled = await JournaledState.begin(replica);
    const extents = Array.from({ length: 2_048 }, (_, at) => ({ inodeId: 2 ** 40 + at, blocks: 1 }));
    const made = Array.from({ length: 240 }, (_, at) => `f${String(at).padStart(3, '0')}`);
    for (const [at, name] of made.entries()) {
      journaled.append({ createFile: { parentId: 1, name, inode: { id: 2 + at, more: { extents } } } });
      if (at === 60) await journaled.seal();
      if (at === 60) await replica.writeBehind.digest();
    }
    for (const recursive of [false, true]) {
      const pages = await list(journaled, { path: '/', pageEntries: 10_000, recursive });
      expect(names(pages)).toEqual(made);
      const bytes = pages.map((page) => understudy.ListStatusPage.encode(page).finish().length);
      expect(bytes.length).toBeGreaterThan(3);
      expect(Math.max(...bytes)).toBeLessThan(2 * 1024 * 1024);
    }
    await replica.close();
  });

  it('any changes, flushed or not: the names there are, in byte order, once each, from where asked, in pages', async () => {
    const name = fc.constantFrom('a', 'ab', 'b', 'ü', '￿', '𝄞', 'z', 'zz');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ name, remove: fc.boolean(), flush: fc.integer({ min: 0, max: 3 }) }), { maxLength: 25 }),
        fc.option(name, { nil: '' }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, startAfter, pageEntries) => {
          const { replica } = await openReplica();
          const journaled = await JournaledState.begin(replica);
          journaled.run({ kind: 'createDirectory', body: { path: '/d' } });
          journaled.run({ kind: 'createFile', body: { path: '/e' } });
          const model = new Set<string>();
          for (const step of steps) {
            const path = `/d/${step.name}`;
            if (step.remove && model.delete(step.name)) journaled.run({ kind: 'remove', body: { path } });
            else if (!step.remove && !model.has(step.name) && model.add(step.name)) journaled.run({ kind: 'createFile', body: { path } });
            if (step.flush > 1) await journaled.seal();
            if (step.flush > 2) await replica.writeBehind.digest();
          }
          const pages = await list(journaled, { path: '/d', startAfter, pageEntries });
          const expected = [...model].sort(utf8Order).filter((entry) => startAfter === '' || utf8Order(entry, startAfter) > 0);
          expect(names(pages)).toEqual(expected);
          expect(pages.every((page) => page.entries.length <= pageEntries && page.sn === replica.state.sn)).toBe(true);
          for (const { name: entry, inode } of pages.flatMap((page) => page.entries)) {
            expect(new understudy.Inode(inode!)).toEqual(
              new understudy.Inode(
                understudy.Inode.decode(
                  understudy.Inode.encode(
                    getStatus(new understudy.GetStatusRequest({ path: `/d/${entry}` }), replica.state, asAda).inode!,
                  ).finish(),
                ),
              ),
            );
          }
          const all = [...model].sort(utf8Order);
          expect(
            await firstNames(
              replica.kv,
              replica.state,
              pages.length === 0 ? 0 : (getStatus(new understudy.GetStatusRequest({ path: '/d' }), replica.state, asAda).inode!.id ?? 0),
              3,
            ),
          ).toEqual(all.slice(0, 3));
          await journaled.seal();
          await replica.close();
        },
      ),
      { numRuns: 80 },
    );
  });

  it('changes after it was opened: not in it', async () => {
    const { replica } = await openReplica();
    const journaled = await JournaledState.begin(replica);
    for (const path of ['/a', '/b']) journaled.run({ kind: 'createFile', body: { path } });
    await using pages = listStatus(new understudy.ListStatusRequest({ path: '/' }), replica.state, replica.kv, asAda);
    journaled.run({ kind: 'createFile', body: { path: '/c' } });
    journaled.run({ kind: 'remove', body: { path: '/a' } });
    await journaled.seal();
    await replica.writeBehind.digest();
    const seen: string[] = [];
    for await (const page of pages.pages(async () => {})) seen.push(...names([understudy.ListStatusPage.decode(page)]));
    expect(seen).toEqual(['a', 'b']);
  });

  it('after changes of a frozen generation were taken back, and made again: as they are now', async () => {
    const { replica } = await openReplica();
    const journaled = await JournaledState.begin(replica);
    const { state, writeBehind } = replica;
    for (const path of ['/a', '/b']) journaled.run({ kind: 'createFile', body: { path } });
    await journaled.seal();
    const at = state.position();
    state.record();
    const many = Array.from({ length: 9 }, (_, i) => `c${i}`);
    const each = (kind: 'createFile' | 'remove') => many.forEach((name) => void journaled.run({ kind, body: { path: `/${name}` } }));
    each('createFile');
    journaled.run({ kind: 'remove', body: { path: '/a' } });
    writeBehind.atBatchEnd();
    const digest = writeBehind.digest().catch(() => {});
    journaled.run({ kind: 'createFile', body: { path: '/d' } });
    each('remove');
    state.rollBack(at);
    writeBehind.rollBack(at.sn);
    await digest;
    expect(names(await list(journaled, { path: '/' }))).toEqual(['a', 'b']);
    journaled.run({ kind: 'createFile', body: { path: '/d' } });
    each('createFile');
    expect(names(await list(journaled, { path: '/' }))).toEqual(['a', 'b', ...many, 'd']);
  });

  it('a file: itself, without a name; an empty directory: one empty page; a page too large: refused', async () => {
    const { replica } = await openReplica();
    const journaled = await JournaledState.begin(replica);
    journaled.run({ kind: 'createFile', body: { path: '/f' } });
    journaled.run({ kind: 'createDirectory', body: { path: '/d' } });
    expect(names(await list(journaled, { path: '/f' }))).toEqual(['']);
    expect((await list(journaled, { path: '/d' })).map((page) => page.entries.length)).toEqual([0]);
    await expect(list(journaled, { path: '/d', pageEntries: 10_001 })).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(list(journaled, { path: '/x' })).rejects.toMatchObject({ code: 'not_found' });
    await replica.close();
  });
});
