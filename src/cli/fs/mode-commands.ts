/**
 * `fs chmod`, `fs chown` and `fs chgrp`.
 */
import type { FileStatus } from '../../client/file-status.js';
import type { Attributes } from '../../client/file-system-options.js';
import type { ClientFrame } from '../client-frame.js';
import { CommandFailed, EXIT } from '../exit-code.js';
import { print } from '../output.js';
import { changeTree } from './change-tree.js';
import { shownName } from './ls-format.js';
import { parseModeChange } from './mode-change.js';

const RECURSIVELY = 'what is below directories, too';

export function addModeCommands(frame: ClientFrame): void {
  frame
    .command('chmod <mode> <path...>', 'change permissions: octal digits, or letters such as u+x,g-w')
    .option('-R', RECURSIVELY)
    .action((text: string, patterns: string[], { R = false }: { R?: boolean }) => {
      const change = parseModeChange(text);
      const mode = (status: FileStatus) => ({ mode: change(status.mode, status.directory) });
      return setAttributes(frame, 'chmod', patterns, R, mode, (path, attributes) => {
        return `Changed permission of ${shownName(path)} to ${attributes.mode?.toString(8)}`;
      });
    });
  frame
    .command('chown <owner> <path...>', 'change owners: user, user:group or :group')
    .option('-R', RECURSIVELY)
    .action((text: string, patterns: string[], { R = false }: { R?: boolean }) => {
      const [, owner = '', group = ''] = /^([^:]*)(?::([^:]*))?$/.exec(text) ?? [];
      if (owner === '' && group === '')
        throw new CommandFailed(EXIT.usage, `chown: not an owner: user, user:group or :group is wanted: ${text}`);
      const names = { ...(owner === '' ? {} : { owner }), ...(group === '' ? {} : { group }) };
      return setAttributes(
        frame,
        'chown',
        patterns,
        R,
        () => names,
        (path) => {
          if (owner === '') return `Changed group of ${shownName(path)} to ${group}`;
          return group === ''
            ? `Changed owner of ${shownName(path)} to ${owner}`
            : `Changed owner:group of ${shownName(path)} to ${owner}:${group}.`;
        },
      );
    });
  frame
    .command('chgrp <group> <path...>', 'change groups')
    .option('-R', RECURSIVELY)
    .action((group: string, patterns: string[], { R = false }: { R?: boolean }) =>
      setAttributes(
        frame,
        'chgrp',
        patterns,
        R,
        () => ({ group }),
        (path) => `Changed group of ${shownName(path)} to ${group}`,
      ),
    );
}

/** Changes each path, with `recursive` all that is below; then says so, in Alluxio's words, of the path itself. */
function setAttributes(
  frame: ClientFrame,
  name: string,
  patterns: readonly string[],
  recursive: boolean,
  attributesOf: (status: FileStatus) => Attributes,
  sentence: (path: string, attributes: Attributes) => string,
): Promise<void> {
  return frame.forPaths(name, patterns, async (fs, path, problems) => {
    let top: Attributes | undefined;
    const change = (status: FileStatus) => {
      const attributes = attributesOf(status);
      top ??= attributes;
      return fs.setAttributes(status.path, attributes);
    };
    if (recursive) await changeTree(fs, path, change, problems);
    else await change(await fs.getStatus(path));
    if (top !== undefined) await print(sentence(path, top));
  });
}
