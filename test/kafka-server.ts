import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, type AdminOptions, Producer } from '@platformatic/kafka';
import type { Certificates } from './certificates.ts';
import { freePort } from './free-port.ts';
import { kafkaJars } from './kafka-jars.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** The reason to skip tests that need Kafka; false where it is available, or required (`TEST_SERVERS=required`). */
export const withoutKafka: string | false =
  existsSync(kafkaJars) || process.env.TEST_SERVERS === 'required' ? false : 'Kafka is missing; to run this: node test/kafka-jars.ts';

/** The user who may sign in, if the broker requires it. */
export const kafkaUser = { username: 'millrace', password: 'secret of tests' } as const;

/** A small heap, and a quick start without optimisations for a long run. */
const javaOptions = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

const logging = `
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.started.name = kafka.server.KafkaRaftServer
logger.started.level = info
`;

/** Options for creating a topic. */
export interface TopicOptions {
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Ports of a node. */
interface Ports {
  /** The port without authentication. */
  readonly open: number;
  /** The port that requires {@link kafkaUser}. */
  readonly signIn: number;
  /** The same, over TLS. */
  readonly encrypted: number;
  readonly controller: number;
}

/** A test's own node of Kafka, broker and controller, on free ports of the loopback. The caller that starts it stops it. */
export class KafkaServer {
  /** The address without authentication. */
  readonly address: string;
  /** The address that requires {@link kafkaUser}. */
  readonly signInAddress: string;
  /** The same over TLS, if it has a certificate. */
  readonly encryptedAddress: string;
  readonly #folder: string;
  /** Number of nodes of its cluster. */
  readonly #size: number;
  #process: ServerProcess | undefined;
  #clients: { readonly admin: Admin; readonly producer: Producer } | undefined;
  #topics = 0;

  private constructor(folder: string, { open, signIn, encrypted }: Ports, size: number) {
    this.#folder = folder;
    this.#size = size;
    this.address = `127.0.0.1:${open}`;
    this.signInAddress = `127.0.0.1:${signIn}`;
    this.encryptedAddress = `localhost:${encrypted}`;
  }

  /** Starts a cluster of one node. @param certificates for TLS, which is disabled without them */
  static async start(certificates?: Certificates): Promise<KafkaServer> {
    const [server] = await KafkaServer.startCluster(1, certificates);
    return server as KafkaServer;
  }

  /** Starts a cluster with this many nodes; each topic that they create is on all of them. */
  static async startCluster(size: number, certificates?: Certificates): Promise<KafkaServer[]> {
    const ports: Ports[] = [];
    for (let nth = 0; nth < size; nth += 1)
      ports.push({ open: await freePort(), signIn: await freePort(), encrypted: await freePort(), controller: await freePort() });
    const servers = ports.map((_, nth) => KafkaServer.#make(nth, ports, certificates));
    await Promise.all(servers.map((server) => server.run()));
    return servers;
  }

  static #make(nth: number, ports: readonly Ports[], certificates: Certificates | undefined): KafkaServer {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
    if (certificates !== undefined) {
      const files = [certificates.key, certificates.certificate];
      writeFileSync(join(folder, 'server.pem'), files.map((file) => readFileSync(file, 'utf8')).join(''));
    }
    writeFileSync(join(folder, 'server.properties'), properties(folder, { nth, ports, isEncrypted: certificates !== undefined }));
    writeFileSync(join(folder, 'log4j2.properties'), logging);
    const format = ['format', '-t', 'bWlsbHJhY2UgdGVzdHMgMQ', '-c', join(folder, 'server.properties')];
    execFileSync('java', [...javaOptions, '-cp', `${kafkaJars}/*`, 'kafka.tools.StorageTool', ...format], { stdio: 'pipe' });
    return new KafkaServer(folder, ports[nth] as Ports, ports.length);
  }

  /** Starts it, again after {@link kill}. Resolves when it answers. */
  async run(): Promise<void> {
    const own = [`-Dlog4j2.configurationFile=${join(this.#folder, 'log4j2.properties')}`, '-cp', `${kafkaJars}/*`, 'kafka.Kafka'];
    const options = { says: 'stdout', ready: 'Kafka Server started' } as const;
    this.#process = await ServerProcess.start('java', [...javaOptions, ...own, join(this.#folder, 'server.properties')], options);
  }

  /** Makes a topic, and returns its name. */
  async createTopic({ partitions = 1, configs = {} }: TopicOptions = {}): Promise<string> {
    this.#topics += 1;
    const name = `topic-${this.#topics}`;
    await this.createNamed(name, { partitions, configs });
    return name;
  }

  async createNamed(topic: string, { partitions = 1, configs = {} }: TopicOptions = {}): Promise<void> {
    const { admin } = this.clients;
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas: this.#size,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    });
    const all = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    const isLed = () =>
      admin.listOffsets({ topics: [{ name: topic, partitions: all }] }).then(
        () => true,
        () => false,
      );
    await until(isLed);
  }

  /** Clients for the test's own use. */
  get clients(): { readonly admin: Admin; readonly producer: Producer } {
    if (this.#clients === undefined) {
      const options: AdminOptions = { clientId: 'test', bootstrapBrokers: [this.address], retries: 20, retryDelay: 100 };
      this.#clients = { admin: new Admin(options), producer: new Producer({ ...options, acks: -1 }) };
    }
    return this.#clients;
  }

  /** Ends it like a crash. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Ends it, and removes its files. */
  async stop(): Promise<void> {
    await Promise.all([this.#clients?.admin.close(), this.#clients?.producer.close(true)]);
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface NodeOptions {
  readonly nth: number;
  /** The addresses of all nodes. */
  readonly ports: readonly Ports[];
  readonly isEncrypted: boolean;
}

function properties(folder: string, { nth, ports, isEncrypted }: NodeOptions): string {
  const { open, signIn, encrypted, controller } = ports[nth] as Ports;
  const listeners = [
    `PLAINTEXT://127.0.0.1:${open}`,
    `SASL_PLAINTEXT://127.0.0.1:${signIn}`,
    // By name, since a certificate is for a name.
    ...(isEncrypted ? [`SASL_SSL://localhost:${encrypted}`] : []),
  ].join(',');
  const { username, password } = kafkaUser;
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`;
  const copies = Math.min(3, ports.length);
  const inSync = Math.min(2, copies);
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': nth + 1,
    'controller.quorum.voters': ports.map((one, at) => `${at + 1}@127.0.0.1:${one.controller}`).join(','),
    listeners: `${listeners},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': login,
    ...(isEncrypted && {
      'listener.name.sasl_ssl.plain.sasl.jaas.config': login,
      'listener.name.sasl_ssl.ssl.keystore.type': 'PEM',
      'listener.name.sasl_ssl.ssl.keystore.location': join(folder, 'server.pem'),
    }),
    'log.dirs': join(folder, 'data'),
    // A node restarted after a crash comes back only once its former self counts as gone.
    'broker.session.timeout.ms': 1_000,
    'broker.heartbeat.interval.ms': 200,
    'controller.quorum.election.timeout.ms': 200,
    'num.network.threads': 2,
    'num.io.threads': 2,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 1,
    'min.insync.replicas': inSync,
    'auto.create.topics.enable': false,
    'message.max.bytes': 16_000_000,
    'log.segment.bytes': 64_000_000,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}
