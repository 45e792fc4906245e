/**
 * `fs setfattr` and `fs getfattr`: extended attributes, in the words and encodings of setfattr(1) and getfattr(1).
 */
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { oneOfWords } from '../option-values.js';
import { JsonArray, Lines } from '../output.js';
import { treeOf } from './acl-commands.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { shownName } from './ls-format.js';
import { ENCODINGS, type Encoding, formatXattrValue, parseXattrValue } from './xattr-text.js';

interface SetfattrOptions {
  readonly n?: string;
  readonly v?: string;
  readonly x?: string;
  readonly create?: boolean;
  readonly replace?: boolean;
}

interface GetfattrOptions extends FreshnessOptions {
  readonly n?: string;
  readonly d?: boolean;
  readonly e?: Encoding;
  readonly R?: boolean;
  readonly json?: boolean;
}

export function addXattrCommands(frame: ClientFrame): void {
  frame
    .command('setfattr <path...>', 'set or remove an extended attribute')
    .option('-n <name>', 'the attribute to set: user.… or, for superusers, trusted.…')
    .option('-v <value>', 'its value: text, "text" with \\-escapes, 0x and hexadecimal digits, or 0s and base64 (default: empty)')
    .option('-x <name>', 'the attribute to remove')
    .option('--create', 'only where there is none of that name')
    .option('--replace', 'only where there is one of that name')
    .action((patterns: string[], options: SetfattrOptions) => {
      const set = xattrChange(options);
      return frame.forPaths('setfattr', patterns, set);
    });
  const getfattr = withFreshness(frame.command('getfattr <path...>', 'show extended attributes; without -d and -n, their names'))
    .option('-n <name>', 'only this one')
    .option('-d', 'with their values')
    .option('-e <encoding>', 'of values: text, hex or base64 (default: text where it can be, else base64)', oneOfWords(ENCODINGS))
    .option('-R', 'of what is below directories, too');
  withJson(getfattr, 'an array of {path, xattrs: [{name, value: base64}]}').action((patterns: string[], options: GetfattrOptions) =>
    show(frame, patterns, options),
  );
}

function xattrChange({ n, v = '', x, create = false, replace = false }: SetfattrOptions): (fs: FileSystem, path: string) => Promise<void> {
  if ((n === undefined) === (x === undefined)) throw new CommandFailed(EXIT.usage, 'setfattr: either -n or -x has to be given');
  if (x !== undefined) return async (fs, path) => void (await fs.removeXattr(path, x));
  if (create && replace) throw new CommandFailed(EXIT.usage, 'setfattr: --create and --replace contradict each other');
  const value = parseXattrValue(v);
  const only = create ? { only: 'create' as const } : replace ? { only: 'replace' as const } : {};
  return async (fs, path) => void (await fs.setXattr(path, n ?? '', value, only));
}

async function show(frame: ClientFrame, patterns: readonly string[], options: GetfattrOptions): Promise<void> {
  const { n, d = false, e, R = false, json = false } = options;
  const lines = new Lines();
  const array = json ? new JsonArray() : undefined;
  try {
    await frame.forPaths('getfattr', patterns, async (fs, path, problems) => {
      for await (const { path: at, hasXattrs } of treeOf(fs, path, R, options, problems)) {
        // Of a whole tree, few have any.
        if (R && !hasXattrs) continue;
        await problems.catch(async () => {
          const xattrs = await fs.getXattrs(at, n === undefined ? [] : [n], readOptions(options));
          if (array !== undefined) {
            await array.add({
              path: at,
              xattrs: [...xattrs].map(([name, value]) => ({ name, value: Buffer.from(value).toString('base64') })),
            });
          } else if (xattrs.size > 0) {
            const rows = [...xattrs].map(([name, value]) => (d || n !== undefined ? `${name}=${formatXattrValue(value, e)}` : name));
            await lines.add([`# file: ${shownName(at)}`, ...rows, ''].join('\n'));
          }
        });
      }
    });
  } finally {
    await (array ?? lines).end();
  }
}
