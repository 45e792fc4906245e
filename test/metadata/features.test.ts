/** Features of a journal: what begins with them, what is refused without them, and what a release does that lacks one. */
import { expect, it } from 'vitest';
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../../src/base/encode-message.js';
import { MemoryStores } from '../../src/kv/memory-store.js';
import { apply } from '../../src/metadata/apply.js';
import { decodeEntry, encodeEntry } from '../../src/metadata/entries.js';
import { checkEnabled, FEATURES, featuresCodec, NO_FEATURES } from '../../src/metadata/features.js';
import { State } from '../../src/metadata/state.js';

const CLAIM = { epoch: 1, host: 'h:1', owner: 'o', group: 'g' };
const [first] = FEATURES;
const known = { name: first?.name ?? '', since: first?.since ?? '' };
const later = { name: 'later', since: '9.0.0' };

const state = async () =>
  new State({ inodeCacheMax: 10 }, await new MemoryStores().open(), { sn: 0, epoch: 0, timeMs: 0, leaderAddress: '' });

it("the journal's first claim switches on what its leader has; a later one does not", async () => {
  const one = await state();
  apply({ claim: { ...CLAIM, features: [known] } }, one);
  expect([...one.features()]).toEqual([[known.name, known.since]]);
  const other = await state();
  apply({ claim: CLAIM }, other);
  apply({ claim: { ...CLAIM, epoch: 2, features: [known] } }, other);
  expect(other.features().size).toBe(0);
  apply({ enableFeatures: { features: [known] } }, other);
  expect([...other.features()]).toEqual([...one.features()]);
});

it('what is taken back is off again', async () => {
  const one = await state();
  apply({ claim: CLAIM }, one);
  one.record();
  const at = one.position();
  apply({ enableFeatures: { features: [known] } }, one);
  one.rollBack(at);
  expect(one.features()).toBe(NO_FEATURES);
});

it('every kind of every feature is refused while that is off, others on or not, and no longer once it is on', () => {
  const each = FEATURES.flatMap(({ name, since, kinds }) => kinds.map((kind) => ({ name, since, kind })));
  expect(each.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['freeze', 'unfreeze', 'setConfig']));
  for (const { name, since, kind } of each) {
    const others = new Map(FEATURES.filter((other) => other.name !== name).map((other) => [other.name, other.since]));
    expect(() => checkEnabled({ [kind]: {} }, others), kind).toThrow(new RegExp(`features enable ${name}: feature=${name}$`));
    expect(() => checkEnabled({ group: { entries: [{ remove: {} }, { [kind]: {} }] } }, others), kind).toThrow(`feature=${name}`);
    expect(() => checkEnabled({ [kind]: {} }, new Map([...others, [name, since]])), kind).not.toThrow();
    expect(() => checkEnabled({ [kind]: {} }, new Map([[name, since]])), kind).not.toThrow();
  }
});

it('an entry of a feature that is off is refused, and told how to have it', () => {
  const setConfig = { forPath: '', set: [{ key: 'a', value: 'b' }] };
  expect(() => checkEnabled({ setConfig }, NO_FEATURES)).toThrow(/fsadmin features enable settings: feature=settings/);
  expect(() => checkEnabled({ setConfig }, new Map([['settings', '0.1.0']]))).not.toThrow();
  expect(() => checkEnabled({ remove: {} }, NO_FEATURES)).not.toThrow();
});

it.each([{ enableFeatures: { features: [known, later] } }, { claim: { ...CLAIM, features: [known, later] } }])(
  'a release that lacks a feature stops at the entry that switches it on, before it applies anything of the batch: %j',
  (entry) => expect(() => decodeEntry(encodeEntry(entry), 7)).toThrow(/^needs version: .*feature=later since=9\.0\.0/),
);

it('a release that lacks a feature does not open a state that has it', () => {
  const bytes = encodeMessage(understudy.Features, { features: [later] });
  expect(() => featuresCodec.decode(bytes)).toThrow(/^needs version: .*feature=later since=9\.0\.0/);
});

it('features stand in the order of their names, each with kinds of its own', () => {
  const names = FEATURES.map(({ name }) => name);
  expect(names).toEqual([...names].sort());
  const kinds = FEATURES.flatMap((feature) => feature.kinds);
  expect(new Set(kinds).size).toBe(kinds.length);
});
