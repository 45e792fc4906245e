/**
 * All decoders against their corpus and a fixed number of new mutants, and the fuzzer against decoders that are wrong: it has to find them.
 *
 * A failure prints the seed and keeps the input: `npm run fuzz -- --only <target> --seed <seed>` goes on from there.
 */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { corpusTargets, keep, readCorpus } from './corpus.js';
import { Fuzzer } from './fuzzer.js';
import type { Target } from './target.js';
import { TARGETS } from './targets.js';
import { tryInput } from './trial.js';
import { Watchdog } from './watchdog.js';

const MUTANTS = 250;
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 32));
const watchdog = new Watchdog(path.join(tmpdir(), `understudy-hang-${process.pid}`));

console.log(`fuzzing with seed ${SEED}`);
afterAll(() => watchdog[Symbol.asyncDispose]());

describe('decoders', () => {
  test.each(TARGETS.map((target) => [target.name, target] as const))(
    '%s: the corpus and new mutants, accepted rightly or refused',
    async (_, target) => {
      const fuzzer = new Fuzzer(target, SEED, watchdog);
      const found = (await fuzzer.replay()) ?? (await fuzzer.run(MUTANTS));
      if (found === undefined) return;
      const { input, what } = await fuzzer.shrink(found);
      expect.fail(`seed=${SEED} input=${keep(target.name, 'broke', input)} bytes=${input.length}\n${what}`);
    },
  );

  test.each(TARGETS.map((target) => [target.name, target] as const))('%s: what its encoder makes, accepted', async (_, target) => {
    const valid = target.seeds().map((seed) => Buffer.from(seed));
    expect(valid.length).toBeGreaterThan(0);
    for (const seed of valid) expect((await tryInput(target, seed)).accepted).toBe(true);
    const kept = readCorpus(target.name);
    for (const seed of valid)
      expect(
        kept.some((input) => input.equals(seed)),
        'npm run fuzz -- --write-seeds',
      ).toBe(true);
  });

  test('the corpus: holds inputs of these decoders, and of no others', () => {
    expect(corpusTargets()).toEqual(TARGETS.map(({ name }) => name).sort());
  });
});

describe('the fuzzer', () => {
  const wrong = (run: Target['run'], seed = 'magic\0\0\0\u0004body'): Target => ({
    ...{ name: 'none', refusals: ['corrupt'], seeds: () => [Buffer.from(seed)] },
    run,
  });
  const findingOf = async (target: Target) => (await new Fuzzer(target, SEED, watchdog).run(20_000))?.what ?? 'nothing';

  test('of a decoder that believes a length, finds the error that is none', async () => {
    const believes = wrong((input) => {
      if (input.length >= 9 && input.readUInt32BE(5) > 4) input.readUInt8(5 + input.readUInt32BE(5));
    });
    expect(await findingOf(believes)).toMatch(/RangeError/);
  });

  test('of one that allocates what a length says, finds the allocation', async () => {
    const allocates = wrong((input) => (input.length >= 9 ? Buffer.alloc(Math.min(input.readUInt32BE(5), 1 << 28)) : undefined));
    expect(await findingOf(allocates)).toMatch(/allocation: took/);
  });

  test('of one that takes its time over what is longer than it should be, finds that it hangs', async () => {
    const slow = wrong((input) => {
      for (const began = process.cpuUsage(); input.length > 12 && process.cpuUsage(began).user < 1_500_000; );
    }, 'xxxxxxxx');
    expect(await findingOf(slow)).toMatch(/hang: took/);
  });
});
