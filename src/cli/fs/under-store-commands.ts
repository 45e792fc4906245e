/**
 * `fs loadMetadata` and `fs checkConsistency`: the namespace and what is really there.
 */
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { JsonArray, Lines, print } from '../output.js';
import { shownName } from './ls-format.js';

export function addUnderStoreCommands(frame: ClientFrame): void {
  withJson(
    frame
      .command('loadMetadata <path...>', 'bring into the namespace what the under store has there')
      .option('-R', 'and all that is below')
      .option('-F', 'look again at what was loaded before, too'),
    'an array of {path, looked, made, changed, gone}: entries of the under store, and what they meant for the namespace',
  ).action(async (patterns: string[], { R = false, F = false, json = false }: { R?: boolean; F?: boolean; json?: boolean }) => {
    const array = json ? new JsonArray() : undefined;
    try {
      await frame.forPaths('loadMetadata', patterns, async (fs, path) => {
        const { looked, made, changed, gone } = await fs.loadMetadata(path, { recursive: R, force: F });
        if (array !== undefined) await array.add({ path, looked, made, changed, gone });
        else await print(`${shownName(path)} loaded: ${looked} looked at, ${made} made, ${changed} changed, ${gone} gone`);
      });
    } finally {
      await array?.end();
    }
  });
  withJson(
    frame
      .command('checkConsistency <path...>', 'tell where the namespace differs from the under store; then the exit code is 1')
      .option('-r', 'and bring the namespace in line with it'),
    'an array of {path, reason}',
  ).action((patterns: string[], { r = false, json = false }: { r?: boolean; json?: boolean }) => check(frame, patterns, r, json));
}

async function check(frame: ClientFrame, patterns: readonly string[], repair: boolean, json: boolean): Promise<void> {
  const array = json ? new JsonArray() : undefined;
  let differs = false;
  try {
    await frame.forPaths('checkConsistency', patterns, async (fs, path) => {
      const found = await inconsistencies(fs, path, array);
      if (found === 0 && !json) await print(`${shownName(path)} is consistent with the under storage system.`);
      if (found === 0) return;
      if (repair) {
        const { made, changed, gone } = await fs.loadMetadata(path, { recursive: true, force: true });
        if (!json) await print(`${shownName(path)} has been repaired: ${made} made, ${changed} changed, ${gone} gone`);
      } else differs = true;
    });
  } finally {
    await array?.end();
  }
  if (differs) throw new CommandFailed(EXIT.failed);
}

/** Prints them as they come. @returns how many there are. */
async function inconsistencies(fs: FileSystem, path: string, array: JsonArray | undefined): Promise<number> {
  const lines = new Lines();
  let found = 0;
  try {
    for await (const { path: at, reason } of fs.checkConsistency(path)) {
      if (found === 0 && array === undefined) await lines.add('The following files are inconsistent:');
      found += 1;
      if (array !== undefined) await array.add({ path: at, reason });
      else await lines.add(`${shownName(at)} (${reason})`);
    }
  } finally {
    await lines.end();
  }
  return found;
}
