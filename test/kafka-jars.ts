import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The release that tests run on. */
export const kafkaRelease = '4.3.1';
/** The version of the console logger, whose output tells a test that the server answers. */
const logging = '2.25.4';

const cache = join(realpathSync(fileURLToPath(new URL('../node_modules', import.meta.url))), '.cache');

/** The folder of Kafka's programs, after {@link fetchKafka}. */
export const kafkaJars: string = join(cache, `kafka-${kafkaRelease}`);

const artifact = (group: string, name: string, version: string) =>
  `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;

const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>kafka-of-tests</artifactId><version>1</version>
  <dependencies>
    ${artifact('org.apache.kafka', 'kafka_2.13', kafkaRelease)}
    ${artifact('org.apache.logging.log4j', 'log4j-slf4j-impl', logging)}
  </dependencies>
</project>
`;

/** Downloads Kafka's programs from Maven's registry, unless they are there. Needs `mvn`, and Java 17. */
export function fetchKafka(): void {
  if (existsSync(kafkaJars)) return;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-jars-'));
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(`${kafkaJars}-`);
  try {
    writeFileSync(join(folder, 'pom.xml'), project);
    const words = ['-B', '-q', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    execFileSync('mvn', words, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
    // Another process may have downloaded them meanwhile.
    if (!existsSync(kafkaJars)) renameSync(unfinished, kafkaJars);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(unfinished, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) fetchKafka();
