/** Hadoop's own client that is given all masters, as a name service of which one is active: a leader is killed under it. */
import { expect } from 'vitest';
import { Cluster } from '../../cluster/cluster.js';
import { closedWithTest } from '../../servers/closed-with-test.js';
import { startHadoopClient } from '../../servers/hadoop-client.js';
import { testWithHadoop } from '../../servers/tests-with-clients.js';

testWithHadoop('name service: a leader is killed, its calls go on with the next', async () => {
  const cluster = await Cluster.start({ masters: 3, settings: { 'security.login.username': 'o' } });
  const names = cluster.masters.map((_, index) => `m${index}`);
  const client = closedWithTest(
    await startHadoopClient(
      {
        'fs.defaultFS': 'webhdfs://trio',
        'dfs.nameservices': 'trio',
        'dfs.ha.namenodes.trio': names.join(','),
        ...Object.fromEntries(
          cluster.masters.map(({ place }, at) => [`dfs.namenode.http-address.trio.m${at}`, `127.0.0.1:${place.webPort}`]),
        ),
        'dfs.client.failover.proxy.provider.trio': 'org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider',
        'dfs.http.client.failover.sleep.base.millis': '50',
        'dfs.http.client.failover.sleep.max.millis': '1000',
        'dfs.http.client.retry.max.attempts': '30',
      },
      'o',
    ),
  );
  const made: string[] = [];
  const make = async (name: string) => {
    expect([name, await client.call('mkdirs', `/é/${name}`)]).toMatchObject([name, { code: 0, out: 'true\n' }]);
    made.push(name);
  };
  for (let at = 0; at < 10; at++) await make(`before-${at}`);
  const leader = await cluster.leader();
  const [standby] = cluster.others(leader);
  const alone = await client.shell('-fs', `webhdfs://127.0.0.1:${standby?.place.webPort}`, '-ls', '/');
  expect(alone).toMatchObject({ code: 1, err: expect.stringMatching(/^ls: this master does not lead/) });

  const during = (async () => {
    for (let at = 0; at < 40; at++) await make(`during-${at}`);
  })();
  await leader.end('SIGKILL');
  await during;
  expect((await client.shell('-ls', '-C', '/é')).out.trimEnd().split('\n').sort()).toEqual(made.map((name) => `/é/${name}`).sort());
  await leader.start();
  const next = await cluster.leader();
  await next.end('SIGKILL');
  await make('after');
});
