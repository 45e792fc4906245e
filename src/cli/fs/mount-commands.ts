/**
 * `fs mount`, `unmount`, `updateMount` and `mounts`: which under stores are seen where.
 */
import { InvalidArgumentError } from 'commander';
import type { MountOptions } from '../../client/file-system-options.js';
import type { MountPoint } from '../../client/mount-point.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { gather } from '../option-values.js';
import { Lines, print, printJson } from '../output.js';
import { expandToOne } from './expand-paths.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { shownName } from './ls-format.js';

interface MountCommandOptions extends FreshnessOptions {
  readonly option?: readonly (readonly [key: string, value: string])[];
  readonly readonly?: boolean;
  readonly shared?: boolean;
  readonly json?: boolean;
}

export const MOUNT_SHAPE =
  '{path, uri, id, readOnly, shared, options: {key: value, secrets hidden}, mountedMs, queued: changes that the under store has yet to see, refused: changes that it did not take}';

const OPTION_HELP = 'for the under store, such as aws.accessKeyId=…; may be repeated';

export function addMountCommands(frame: ClientFrame): void {
  const mount = frame
    .command('mount [path] [uri]', 'show at PATH what is at URI; without them, list what is mounted')
    .option('--option <key=value>', OPTION_HELP, gather(keyAndValue))
    .option('--readonly', 'let nobody change it')
    .option('--shared', 'let users other than the superuser use it');
  withJson(withFreshness(mount), `of the list, an array of ${MOUNT_SHAPE}`).action(
    async (pattern: string | undefined, uri: string | undefined, options: MountCommandOptions) => {
      if (pattern === undefined) return list(frame, options);
      if (uri === undefined)
        throw new CommandFailed(EXIT.usage, 'mount: both a path and the URI of an under store have to be given, or neither');
      await frame.once('mount', async (fs) => {
        const path = await expandToOne(fs, pattern);
        await fs.mount(path, uri, mountOptions(options));
        await print(`Mounted ${uri} at ${shownName(path)}`);
      });
    },
  );
  withJson(withFreshness(frame.command('mounts', 'list what is mounted')), `an array of ${MOUNT_SHAPE}`).action(
    (options: MountCommandOptions) => list(frame, options),
  );
  frame.command('unmount <path...>', 'take mount points away; the under stores stay as they are').action((patterns: string[]) =>
    frame.forPaths('unmount', patterns, async (fs, path) => {
      await fs.unmount(path);
      await print(`Unmounted ${shownName(path)}`);
    }),
  );
  frame
    .command('updateMount <path>', 'replace the options of a mount point; what is not given is taken away')
    .option('--option <key=value>', OPTION_HELP, gather(keyAndValue))
    .option('--readonly', 'let nobody change it')
    .option('--shared', 'let users other than the superuser use it')
    .action((pattern: string, options: MountCommandOptions) =>
      frame.forPaths('updateMount', [pattern], async (fs, path) => {
        await fs.updateMount(path, mountOptions(options));
        await print(`Updated mount point ${shownName(path)}`);
      }),
    );
}

function mountOptions({ option = [], readonly = false, shared = false }: MountCommandOptions): MountOptions {
  return { options: Object.fromEntries(option), readOnly: readonly, shared };
}

function keyAndValue(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('A key and a value are wanted: key=value.');
  return [text.slice(0, at), text.slice(at + 1)];
}

function list(frame: ClientFrame, { json = false, ...freshness }: MountCommandOptions): Promise<void> {
  return frame.once('mounts', async (fs) => {
    const mounts = await fs.listMounts(readOptions(freshness));
    if (json) return printJson(mounts.map(mountJson));
    const lines = new Lines();
    for (const line of mountLines(mounts)) await lines.add(line);
    await lines.end();
  });
}

export function mountJson({ path, uri, id, readOnly, shared, options, mountedMs, queued, refused, trouble }: MountPoint) {
  return { path, uri, id, readOnly, shared, options, mountedMs, queued, refused, trouble: trouble || null };
}

/** @returns a line for each, as Alluxio has it. How large an under store is, masters do not know. */
export function mountLines(mounts: readonly MountPoint[]): string[] {
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const [uris, paths] = [width(mounts.map(({ uri }) => uri)), width(mounts.map(({ path }) => shownName(path)))];
  return mounts.map(({ uri, path, options, readOnly, shared, queued, refused, trouble }) => {
    const properties = Object.entries(options).map(([key, value]) => `${key}=${value}`);
    const facts = [
      typeOf(uri),
      'capacity=-1B',
      'used=-1B',
      readOnly ? 'read-only' : 'not read-only',
      shared ? 'shared' : 'not shared',
      `properties={${properties.join(', ')}}`,
      ...(queued === 0 ? [] : [`queued=${queued}`]),
      ...(refused === 0 ? [] : [`refused=${refused}`]),
      ...(trouble === '' ? [] : [`trouble=${trouble}`]),
    ];
    return `${uri.padEnd(uris)}  on  ${shownName(path).padEnd(paths)}  (${facts.join(', ')})`;
  });
}

function typeOf(uri: string): string {
  const scheme = uri.slice(0, Math.max(0, uri.indexOf(':')));
  return scheme === 'file' || scheme === '' ? 'local' : scheme;
}
