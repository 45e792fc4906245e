/**
 * The commands of `fs` that read the bytes of files, or say where they are.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { UnderstudyError } from '../../base/errors.js';
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { withJson } from '../json-option.js';
import { bytes } from '../option-values.js';
import { print, printJson } from '../output.js';
import { shownName } from './ls-format.js';

const PART_BYTES = 1024;

export function addReadCommands(frame: ClientFrame): void {
  frame
    .command('cat <path...>', 'print what is in files, one behind the other')
    .action((patterns: string[]) => frame.forPaths('cat', patterns, (fs, path) => printBytes(fs, path, () => 0, Number.POSITIVE_INFINITY)));
  for (const [name, where, startOf] of [
    ['head', 'first', () => 0],
    ['tail', 'last', (length: number, count: number) => Math.max(0, length - count)],
  ] as const) {
    frame
      .command(`${name} <path...>`, `print the ${where} bytes of files`)
      .option('-c <size>', 'how many', bytes, PART_BYTES)
      .action((patterns: string[], { c }: { c: number }) =>
        frame.forPaths(name, patterns, (fs, path) => printBytes(fs, path, (length) => startOf(length, c), c)),
      );
  }
  withJson(frame.command('checksum <path...>', 'print the MD5 of files'), '{path, algorithm, checksum, length}').action(
    (patterns: string[], { json = false }: { json?: boolean }) =>
      frame.forPaths('checksum', patterns, async (fs, path) => {
        await using file = await fs.open(path);
        const hash = createHash('md5');
        for await (const chunk of file.lentChunks()) hash.update(chunk);
        const checksum = hash.digest('hex');
        if (json) await printJson({ path, algorithm: 'md5', checksum, length: file.length });
        else await print(`md5sum: ${checksum}`);
      }),
  );
  const locationShape = '{path, id, blocks: [{index, offset, length, workers: [host:port]}]}';
  withJson(frame.command('location <path...>', 'print which workers hold blocks of files'), locationShape).action(
    (patterns: string[], { json = false }: { json?: boolean }) =>
      frame.forPaths('location', patterns, async (fs, path) => {
        const { id } = await fs.getStatus(path);
        const blocks = await fs.getBlockLocations(path);
        if (json) {
          const shown = blocks.map(({ index, offset, length, workers }) => ({ index, offset, length, workers }));
          return printJson({ path, id, blocks: shown });
        }
        await print(`${shownName(path)} with file id ${id} is on nodes:`);
        const hosts = [...new Set(blocks.flatMap(({ workers }) => workers.map(hostOf)))].sort();
        if (hosts.length > 0) await print(hosts.join('\n'));
      }),
  );
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

/** @param startOf of the file's length. */
async function printBytes(fs: FileSystem, path: string, startOf: (length: number) => number, count: number): Promise<void> {
  await using file = await fs.open(path);
  if (!file.status.complete) throw new UnderstudyError('failed_precondition', `the file is being written: path=${path}`);
  const start = startOf(file.length);
  for await (const chunk of file.chunks({ start, end: Math.min(file.length, start + count) })) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}
