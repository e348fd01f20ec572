import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../support/child.js';
import type { ConfigValues } from '../../support/rocknest-process.js';

export const START_TIMEOUT_MS = 180_000;

/** What the official servers need on JDK 17. */
const JVM_FLAGS = [
  '-XX:+UseG1GC',
  '-XX:MaxMetaspaceSize=320m',
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  '--add-opens=java.base/java.util=ALL-UNNAMED',
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-exports=java.base/sun.security.x509=ALL-UNNAMED',
];

/** Lines of a configuration file. */
export function properties(values: ConfigValues): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function writeLogging(folder: string, name: string): string {
  const file = join(folder, `${name}.logback.xml`);
  // Where servers of 4.x look, which know no such property.
  const files = [file, join(folder, 'conf', `logback_${name.split('-')[0]}.xml`)];
  mkdirSync(join(folder, 'conf'), { recursive: true });
  const text =
    `<configuration><appender name="F" class="ch.qos.logback.core.FileAppender"><file>${join(folder, `${name}.log`)}</file>` +
    '<encoder><pattern>%d{HH:mm:ss.SSS} %level %logger{0} %msg%n</pattern></encoder></appender>' +
    '<root level="WARN"><appender-ref ref="F"/></root></configuration>';
  for (const path of files) writeFileSync(path, text);
  return file;
}

/** Starts one of the official servers; warnings and errors go to `<name>.log` in the folder. */
export function launchOfficial(
  name: string,
  mainClass: string,
  folder: string,
  config: string,
  heap: string[],
  classPath: string,
): Child {
  const configFile = join(folder, `${name}.conf`);
  writeFileSync(configFile, config);
  return new Child({
    name: `official ${name}`,
    command: 'java',
    args: [
      ...heap,
      ...JVM_FLAGS,
      `-Duser.home=${folder}`,
      `-Drmq.logback.configurationFile=${writeLogging(folder, name)}`,
      '-cp',
      classPath,
      mainClass,
      '-c',
      configFile,
    ],
    env: { ...process.env, ROCKETMQ_HOME: folder, NAMESRV_ADDR: '' },
  });
}
