import { describe, expect, test } from 'vitest';
import { FileStory, Moments } from './file-story.js';

const story = () => new FileStory('writer', new Moments());

describe('file story', () => {
  test('created, seen, renamed, seen, removed, not seen: holds', () => {
    const file = story();
    file.look('/a', 'x');
    const created = file.change('create', '/a');
    const early = file.look('/a', 'x');
    created('ok', '', 7);
    file.look('/a', 'x')(7);
    early(null);
    const renamed = file.change('rename', '/b');
    file.look('/a', 'x')(7);
    file.look('/a', 'x')(null);
    file.look('/b', 'x')(7);
    renamed('ok');
    file.look('/a', 'x')(null);
    const removed = file.change('remove', null);
    file.look('/b', 'x')(7);
    file.look('/b', 'x')(null);
    removed('ok');
    file.look('/b', 'x')(null);
    expect(file.violation()).toBeNull();
  });

  test('acknowledged and not there: told', () => {
    const file = story();
    file.change('create', '/a')('ok', '', 7);
    file.look('/a', 'x')(null);
    expect(file.violation()).toContain('no order of events');
  });

  test('seen before it was acknowledged, then not there: told', () => {
    const file = story();
    const created = file.change('create', '/a');
    file.look('/a', 'x')(7);
    file.look('/a', 'x')(null);
    created('unknown');
    expect(file.violation()).toContain('no order of events');
  });

  test('outcome unknown: appears late or never, but once seen it stays', () => {
    const file = story();
    file.change('create', '/a')('unknown');
    file.look('/a', 'x')(null);
    expect(file.violation()).toBeNull();
    file.look('/a', 'x')(7);
    expect(file.violation()).toBeNull();
    file.look('/a', 'x')(null);
    expect(file.violation()).toContain('no order of events');
  });

  test('removed and seen again: told', () => {
    const file = story();
    file.change('create', '/a')('ok', '', 7);
    file.change('remove', null)('ok');
    file.look('/a', 'x')(7);
    expect(file.violation()).toContain('no order of events');
  });

  test('a removal of unknown outcome: seen, gone, seen: told', () => {
    const file = story();
    file.change('create', '/a')('ok', '', 7);
    file.change('remove', null)('unknown');
    file.look('/a', 'x')(7);
    file.look('/a', 'x')(null);
    expect(file.violation()).toBeNull();
    file.look('/a', 'x')(7);
    expect(file.violation()).toContain('no order of events');
  });

  test('in two places at once, or in neither: told', () => {
    for (const [first, second] of [
      ['/b', '/a'],
      ['/a', '/b'],
    ] as const) {
      const file = story();
      file.change('create', '/a')('ok', '', 7);
      file.change('rename', '/b');
      if (first === '/b') {
        file.look(first, 'x')(7);
        file.look(second, 'x')(7);
      } else {
        file.look(first, 'x')(null);
        file.look(second, 'x')(null);
      }
      expect(file.violation()).toContain('no order of events');
    }
  });

  test('reported not to have happened, and seen: told', () => {
    const file = story();
    file.change('create', '/a')('nothing', 'unavailable');
    file.change('create', '/b')('ok', '', 7);
    file.look('/a', 'x')(null);
    expect(file.violation()).toBeNull();
    file.look('/a', 'x')(7);
    expect(file.violation()).toContain('not to have happened');
  });

  test('refused, or another inode: told', () => {
    const file = story();
    file.change('create', '/a')('refused', 'already_exists');
    expect(file.violation()).toContain('second run');
    const other = story();
    other.change('create', '/a')('ok', '', 7);
    other.look('/a', 'x')(8);
    expect(other.violation()).toContain('inode 8');
  });
});
