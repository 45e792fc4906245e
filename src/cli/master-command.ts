/**
 * `understudy master`: composes a master out of the real clock, TCP, LevelDB, journal and election, and runs it until it is told to stop.
 *
 * SIGTERM and SIGINT stop it in order (a standby takes over without waiting for a time-out); a second one ends it at once, which loses
 * nothing that was acknowledged either.
 */
import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import type { Log } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemRandom } from '../base/system-random.js';
import type { LoadedSettings } from '../config/load-settings.js';
import type { Settings } from '../config/settings.js';
import { LevelStores } from '../kv/level-store.js';
import { type GroupMapping, ownNameGroups } from '../master/group-mapping.js';
import { Master } from '../master/master.js';
import { tcpNetwork } from '../rpc/tcp-network.js';
import { lineSink } from '../telemetry/line-sink.js';
import { pinoLog } from '../telemetry/pino-log.js';
import { UnderStores } from '../underfs/under-stores.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT, sentenceOf } from './exit-code.js';
import { GroupFile } from './group-file.js';
import { hostGroups } from './host-groups.js';
import { HostSurroundings } from './host-surroundings.js';
import { masterSettings } from './master-settings.js';
import { openElection } from './open-election.js';
import { openJournal } from './open-journal.js';
import { openUnderStore } from './open-under-store.js';

const LEVEL_SETTINGS = { writeBufferBytes: 16 * 1024 * 1024, cacheBytes: 64 * 1024 * 1024 };
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

export function masterCommand(context: CommandContext, version: string): Command {
  return context.addOptions(new Command('master').description('run a master')).action(async () => {
    const loaded = context.load();
    const { loggerLevel, loggerFormat } = loaded.settings;
    const log = pinoLog({ level: context.debug ? 'debug' : loggerLevel, format: loggerFormat }, { clock: systemClock, sink: lineSink(2) });
    dieOfDefects(log);
    try {
      await runMaster(loaded, version, log);
    } catch (error) {
      log.debug({ error }, 'the master ends');
      throw new CommandFailed(EXIT.failed, `the master cannot run: ${sentenceOf(error, false)}`);
    }
  });
}

/** Resolves when the master was told to stop, and has. */
async function runMaster(loaded: LoadedSettings, version: string, log: Log): Promise<void> {
  const { settings, ignored } = loaded;
  if (ignored.length > 0) {
    log.warn(
      { keys: ignored.map(({ spelling, place }) => `${spelling} (${place})`).join(', ') },
      'settings that mean nothing here are ignored',
    );
  }
  const deps = { clock: systemClock, random: systemRandom, log, network: tcpNetwork };
  // Nobody else is to read what the namespace says, and the keys of mounted storage.
  await mkdir(settings.masterMetastoreDir, { recursive: true, mode: 0o700 });
  const stores = new LevelStores(settings.masterMetastoreDir, LEVEL_SETTINGS);
  await using opened = await openJournal(settings, deps, { toLead: settings.masterRole !== 'observer' });
  const { journal } = opened;
  await using election = await openElection(settings, deps);
  await using underStores = new UnderStores((uri, options) => openUnderStore(uri, options, settings, deps));
  const groups = groupMapping(settings);
  await using master = await Master.open(masterSettings(settings, version), {
    ...deps,
    journal,
    election,
    stores,
    underStores,
    groups,
    surroundings: new HostSurroundings(loaded),
  });
  log.info({ rpcAddress: master.rpcAddress, version, clusterId: journal.clusterId, pid: process.pid }, 'master serves');
  stopOnSignal(master, log);
  await master.closed;
  log.info({ rpcAddress: master.rpcAddress }, 'master stopped');
}

/** Says who is in which group. */
function groupMapping({ securityGroupMappingClass: kind, securityGroupMappingFile: file }: Settings): GroupMapping {
  if (kind === 'file' && file !== undefined) return new GroupFile(file);
  return kind === 'identity' ? ownNameGroups : hostGroups;
}

function stopOnSignal(master: Master, log: Log): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(SIGNAL_EXIT[signal]);
      asked = true;
      log.info({ signal }, 'stopping; a second signal ends this process at once');
      // Its failure ends `master.closed`, which is waited for.
      master.close().catch(() => {});
    });
  }
}

/** A defect ends the process, at once: a standby takes over, and nothing that was acknowledged is lost. */
function dieOfDefects(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.error({ error, stack: error.stack ?? '' }, 'a defect: this process ends');
    process.exit(EXIT.failed);
  });
}
