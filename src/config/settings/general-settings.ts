// biome-ignore-all lint/suspicious/noTemplateCurlyInString: defaults refer to other settings
/** What all programs have in common. */
import type { Setting } from '../setting.js';
import { oneOf, path } from '../value-type.js';

export const generalSettings = {
  home: {
    key: 'home',
    type: path,
    default: { machine: 'the folder of the installation' },
    help: 'Folder of the installation. Other paths may refer to it.',
  },
  workDir: {
    key: 'work.dir',
    type: path,
    default: '${understudy.home}',
    help: 'Folder below which state is kept unless it has a place of its own.',
  },
  loggerLevel: {
    key: 'logger.level',
    type: oneOf('debug', 'info', 'warn', 'error'),
    default: 'info',
    inJournal: 'at once',
    help: 'Least severity that is logged. At debug, errors are logged with their stacks.',
  },
  loggerFormat: {
    key: 'logger.format',
    type: oneOf('text', 'json', 'auto'),
    default: 'text',
    help: 'Lines for people, one JSON object a line for machines, or, with auto, lines on a terminal and JSON elsewhere. The log goes to stderr.',
  },
} as const satisfies Record<string, Setting>;
