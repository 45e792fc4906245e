/**
 * `understudy master`: composes a master out of the real clock, TCP, LevelDB, journal and election, and runs it until it is told to stop.
 *
 * SIGTERM and SIGINT stop it in order (a standby takes over without waiting for a time-out); a second one ends it at once, which loses
 * nothing that was acknowledged either.
 */
import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import type { LevelledLog } from '../base/log.js';
import { systemClock } from '../base/system-clock.js';
import { systemRandom } from '../base/system-random.js';
import { deferred } from '../base/wait.js';
import { type LoadedSettings, loadSettings, type SettingsInput } from '../config/load-settings.js';
import type { Settings } from '../config/settings.js';
import { meteredJournal } from '../journal/metered-journal.js';
import { LevelStores } from '../kv/level-store.js';
import { meteredStores } from '../kv/metered-stores.js';
import { type GroupMapping, ownNameGroups } from '../master/group-mapping.js';
import { LiveSettings } from '../master/live-settings.js';
import { Master } from '../master/master.js';
import { tcpNetwork } from '../rpc/tcp-network.js';
import { AuditFile } from '../telemetry/audit-file.js';
import { PromMetrics } from '../telemetry/prom-metrics.js';
import { UnderStores } from '../underfs/under-stores.js';
import { WebServer } from '../web/web-server.js';
import type { CommandContext } from './context.js';
import { CommandFailed, EXIT, sentenceOf } from './exit-code.js';
import { GroupFile } from './group-file.js';
import { hostGroups } from './host-groups.js';
import { HostSurroundings } from './host-surroundings.js';
import { JournaledSettings } from './journaled-settings.js';
import { masterSettings } from './master-settings.js';
import { openElection } from './open-election.js';
import { openJournal } from './open-journal.js';
import { openUnderStore } from './open-under-store.js';
import { dieOfDefects, processLog, stopOnSignal, tellIgnored } from './process-life.js';
import { webSettings } from './web-settings.js';

const LEVEL_SETTINGS = { writeBufferBytes: 16 * 1024 * 1024, cacheBytes: 64 * 1024 * 1024 };

export function masterCommand(context: CommandContext, version: string): Command {
  return context.addOptions(new Command('master').description('run a master')).action(async () => {
    const input = context.input();
    const loaded = context.loaded(input);
    const log = processLog(loaded.settings, context.debug);
    dieOfDefects(log);
    try {
      await runMaster({
        ...{ input, loaded, version, log },
        levelTo(level) {
          if (!context.debug) log.level = level;
        },
      });
    } catch (error) {
      log.debug({ error }, 'the master ends');
      throw new CommandFailed(EXIT.failed, `the master cannot run: ${sentenceOf(error, false)}`);
    }
  });
}

interface MasterRun {
  readonly input: SettingsInput;
  /** What files, environment and command line say. */
  readonly loaded: LoadedSettings;
  readonly version: string;
  readonly log: LevelledLog;
  levelTo(level: Settings['loggerLevel']): void;
}

/** Resolves when the master was told to stop, and has. */
async function runMaster({ input, loaded, version, log, levelTo }: MasterRun): Promise<void> {
  const { settings: own } = loaded;
  tellIgnored(loaded, log);
  const metrics = new PromMetrics(systemClock);
  const deps = { clock: systemClock, random: systemRandom, log, logLevel: log, metrics, network: tcpNetwork };
  await using audit = own.masterAuditLoggingEnabled ? new AuditFile(own.masterAuditLogFile, deps) : undefined;
  if (audit !== undefined) process.on('SIGHUP', () => audit.reopen());
  // Nobody else is to read what the namespace says, and the keys of mounted storage.
  await mkdir(own.masterMetastoreDir, { recursive: true, mode: 0o700 });
  const level = new LevelStores(own.masterMetastoreDir, LEVEL_SETTINGS);
  level.measure(metrics);
  await using stores = new JournaledSettings(level);
  await using web = await WebServer.open(webSettings(own), { ...deps, version });
  const live = new LiveSettings(await stores.properties(log), {
    log,
    load: (journaled) => loadSettings({ ...input, journaled }),
    masterSettings: (settings) => masterSettings(settings, version, web.port),
    changed: ({ loggerLevel }) => levelTo(loggerLevel),
  });
  const { settings } = live.started;
  levelTo(settings.loggerLevel);
  await using opened = await openJournal(settings, deps, { toLead: settings.masterRole !== 'observer' });
  const journal = meteredJournal(opened.journal, metrics, systemClock);
  const foreign = deferred<never>();
  foreign.promise.catch(() => {});
  await using election = await openElection(settings, { ...deps, clusterId: journal.clusterId, foreign: foreign.reject });
  await using underStores = new UnderStores((uri, options) => openUnderStore(uri, options, settings, deps));
  const groups = groupMapping(settings);
  await using master = await Master.open(live.current, {
    ...deps,
    journal,
    election,
    stores: meteredStores(stores, metrics, systemClock),
    audit,
    underStores,
    groups,
    live,
    surroundings: new HostSurroundings(settings, live),
  });
  web.attach(master);
  log.info({ rpcAddress: master.rpcAddress, webPort: web.port, version, clusterId: journal.clusterId, pid: process.pid }, 'master serves');
  stopOnSignal(() => {
    // Its failure ends `master.closed`, which is waited for.
    master.close().catch(() => {});
  }, log);
  await Promise.race([master.closed, foreign.promise]);
  log.info({ rpcAddress: master.rpcAddress }, 'master stopped');
}

/** Says who is in which group. */
function groupMapping({ securityGroupMappingClass: kind, securityGroupMappingFile: file }: Settings): GroupMapping {
  if (kind === 'file' && file !== undefined) return new GroupFile(file);
  return kind === 'identity' ? ownNameGroups : hostGroups;
}
