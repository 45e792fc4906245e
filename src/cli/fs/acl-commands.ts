/**
 * `fs setfacl` and `fs getfacl`: access control lists, in the words and the text form of setfacl(1) and getfacl(1).
 */
import { aclOf, type FileStatus } from '../../client/file-status.js';
import type { FileSystem } from '../../client/file-system.js';
import type { AclChange } from '../../client/file-system-options.js';
import { octal } from '../../client/status-json.js';
import { formatAclEntry, formatAclLines, parseAcl, parseAclNames } from '../../metadata/acl-text.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { withJson } from '../json-option.js';
import { JsonArray, Lines, type Results } from '../output.js';
import type { Problems } from '../problems.js';
import { changeTree, treeAt } from './change-tree.js';
import { type FreshnessOptions, readOptions, withFreshness } from './freshness.js';
import { shownName } from './ls-format.js';

interface SetfaclOptions {
  readonly m?: string;
  readonly x?: string;
  readonly set?: string;
  readonly b?: boolean;
  readonly k?: boolean;
  readonly d?: boolean;
  readonly R?: boolean;
}

export function addAclCommands(frame: ClientFrame): void {
  frame
    .command('setfacl <path...>', 'change access control lists; entries such as user:alice:rw-,default:group:staff:r-x')
    .option('-m <entries>', 'add entries, or change those that are there')
    .option('-x <entries>', 'remove entries, named without permissions')
    .option('--set <entries>', 'replace the list')
    .option('-b', 'remove all entries but those that the mode stands for')
    .option('-k', "remove a directory's default list")
    .option('-d', 'entries are of the default list, what new children get')
    .option('-R', 'what is below directories, too; default entries are for directories alone')
    .action((patterns: string[], options: SetfaclOptions) => {
      const changeOf = aclChange(options);
      return frame.forPaths('setfacl', patterns, async (fs, path, problems) => {
        const change = async (status: FileStatus) => {
          const asked = changeOf(status, options.R === true);
          if (asked !== undefined) await fs.setAcl(status.path, asked);
        };
        if (options.R === true) await changeTree(fs, path, change, problems);
        else await change(await fs.getStatus(path));
      });
    });
  withJson(
    withFreshness(frame.command('getfacl <path...>', 'show access control lists')).option('-R', 'of what is below directories, too'),
    'an array of {path, owner, group, mode: four octal digits, acl: [text of an entry]}',
  ).action((patterns: string[], options: FreshnessOptions & { R?: boolean; json?: boolean }) => getfacl(frame, patterns, options));
}

/** @returns what is asked for of one file or directory; undefined: nothing. @throws CommandFailed `usage`. */
function aclChange({ m, x, set, b, k, d }: SetfaclOptions): (status: FileStatus, recursive: boolean) => AclChange | undefined {
  const asked = [m, x, set, b, k].filter((option) => option !== undefined);
  if (asked.length !== 1) throw new CommandFailed(EXIT.usage, 'setfacl: exactly one of -m, -x, --set, -b and -k has to be given');
  if (b === true) return () => ({ action: 'removeAll' });
  if (k === true) return ({ directory }, recursive) => (directory || !recursive ? { action: 'removeDefault' } : undefined);
  const ofList = <Entry extends { isDefault: boolean }>(entries: Entry[], directory: boolean, recursive: boolean) =>
    entries
      .map((entry) => (d === true ? { ...entry, isDefault: true } : entry))
      .filter(({ isDefault }) => directory || !isDefault || !recursive);
  if (x !== undefined) {
    return ({ directory }, recursive) => {
      const entries = ofList(parseAclNames(x), directory, recursive);
      return entries.length === 0 ? undefined : { action: 'remove', entries };
    };
  }
  return ({ directory, mode }, recursive) => {
    const entries = ofList(parseAcl(m ?? set ?? '', directory || (mode & 0o111) !== 0), directory, recursive);
    return entries.length === 0 ? undefined : { action: m === undefined ? 'replace' : 'modify', entries };
  };
}

async function getfacl(
  frame: ClientFrame,
  patterns: readonly string[],
  { R = false, json = false, ...freshness }: FreshnessOptions & { R?: boolean; json?: boolean },
): Promise<void> {
  const out: Results<unknown> = json ? new JsonArray() : (new Lines() as Results<unknown>);
  const show = (status: FileStatus) => out.add(json ? aclJson(status) : aclText(status));
  try {
    await frame.forPaths('getfacl', patterns, async (fs, path, problems) => {
      for await (const status of treeOf(fs, path, R, freshness, problems)) await show(status);
    });
  } finally {
    await out.end();
  }
}

/** Yields `path`, and with `recursive` what is below it. */
export async function* treeOf(fs: FileSystem, path: string, recursive: boolean, freshness: FreshnessOptions, problems: Problems) {
  const read = readOptions(freshness);
  if (recursive) yield* treeAt(fs, path, read, problems);
  else yield await fs.getStatus(path, read);
}

function aclText(status: FileStatus): string {
  const { path, owner, group, mode } = status;
  const flags = mode & 0o7000 ? [`# flags: ${mode & 0o4000 ? 's' : '-'}${mode & 0o2000 ? 's' : '-'}${mode & 0o1000 ? 't' : '-'}`] : [];
  const head = [`# file: ${shownName(path)}`, `# owner: ${owner}`, `# group: ${group}`, ...flags];
  return [...head, ...formatAclLines(aclOf(status)), ''].join('\n');
}

function aclJson(status: FileStatus) {
  const { path, owner, group, mode } = status;
  return { path, owner, group, mode: octal(mode), acl: aclOf(status).map(formatAclEntry) };
}
