/**
 * `fs complete`: what a shell offers behind the beginning of a path. Quick, bounded, and silent where nobody answers: somebody waits for it
 * with a finger on the tab key.
 */
import { Command } from 'commander';
import type { FileSystem } from '../../client/file-system.js';
import type { ClientFrame } from '../client-frame.js';
import type { CommandContext } from '../context.js';
import { print } from '../output.js';
import { escapeGlob } from './glob.js';

const TIME_MS_MAX = 1_500;
const OFFERS_MAX = 200;

export function addCompleteCommand(context: CommandContext, fs: Command, frame: ClientFrame): void {
  const command = new Command('complete').argument('<path>').description('print the paths that begin so, for shells');
  context.addOptions(command).action((begun: string) =>
    frame.withClient(async (client) => {
      try {
        const offers = await offersFor(client, begun);
        if (offers.length > 0) await print(offers.join('\n'));
      } catch {
        // Nothing to offer.
      }
    }),
  );
  fs.addCommand(command, { hidden: true });
}

/** @returns paths, those of directories with a slash at the end; escaped as patterns are. */
async function offersFor(fs: FileSystem, begun: string): Promise<string[]> {
  const typed = begun.replace(/\\(.)/g, '$1');
  const parent = typed.slice(0, typed.lastIndexOf('/') + 1);
  const offers: string[] = [];
  // Whatever a standby has is new enough to be offered.
  const options = { stale: true, timeoutMs: TIME_MS_MAX, prefix: typed.slice(parent.length), pageEntries: OFFERS_MAX };
  const listed = parent.length > 1 ? parent.slice(0, -1) : parent;
  for await (const { path, directory } of fs.list(listed, options)) {
    if (path === listed || /\p{Cc}/u.test(path)) continue;
    offers.push(escapeGlob(path) + (directory ? '/' : ''));
    if (offers.length === OFFERS_MAX) break;
  }
  return offers;
}
