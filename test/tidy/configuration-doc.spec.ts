import { describe, expect, it } from 'vitest';
import { settingsDocument } from '@rocknest/config';
import { namesrvSettings } from '@rocknest/namesrv';
import { brokerSettings } from '../../apps/broker/src/config/broker-settings.js';

const INTRODUCTION = `# Configuration

<!-- Generated from the definitions of the settings. After a change of one: npx vitest run -u test/tidy/configuration-doc.spec.ts -->

Use this page when you run a namesrv or a broker and want to change how it behaves. Nothing needs to be set for a first try.

## Where values come from

Each key can be set in four places. A later one wins:

1. its default,
2. the conf file given with \`-c FILE\` (or \`ROCKNEST_CONFIG_FILE\`), in the syntax of Java properties, with RocketMQ's own keys: a \`broker.conf\` can be used as it is,
3. the environment: \`ROCKNEST_\` and the key in capitals with underscores (\`listenPort\` is \`ROCKNEST_LISTEN_PORT\`), and RocketMQ's \`NAMESRV_ADDR\`,
4. a flag: \`--listenPort 10911\` or \`--listenPort=10911\`.

| flag | does |
|---|---|
| \`-c FILE\`, \`--configFile FILE\` | reads a conf file |
| \`-n ADDR\`, \`--namesrvAddr ADDR\` | sets the namesrvs of a broker |
| \`-p\`, \`--printConfigItem\` | prints the configuration in force and where each value came from, and ends |
| \`-m\`, \`--printImportantConfig\` | the same for the important keys alone |
| \`-h\`, \`--help\` | lists all keys |

A wrong configuration ends the start with one message that lists every problem; for an unknown key it names the nearest known one, with file and line.
Keys of RocketMQ that mean nothing here (thread pools, memory mapping, ...) are accepted, with one line that lists them. Those that would give a false
sense of safety when ignored (\`aclEnable=true\`, \`brokerRole=SLAVE\`, ...) are refused.

Keys marked "Can be changed while it runs" take \`mqadmin updateNamesrvConfig\`. A change is kept in \`namesrv.properties\` in the store folder, which
wins over the conf file and yields to the environment and flags.

## Databases

Without \`databaseUrl\` (or \`DATABASE_URL\`) metadata is kept in SQLite files in the store folders. Otherwise:

| URL | database |
|---|---|
| \`postgres://USER:PASSWORD@HOST:5432/DATABASE\` | Postgres; \`?sslmode=disable\`, \`require\` (encrypted, the certificate is not checked) or \`verify-full\`; \`?schema=NAME\` |
| \`mysql://USER:PASSWORD@HOST:3306/DATABASE\` | MySQL or MariaDB; \`?sslmode=\` as above |
| \`mariadb://...\` | MariaDB |
| \`sqlite:/PATH/FILE.db\` | a SQLite file elsewhere |

The tables are made and brought to their newest form at the start. Several brokers may share one database: each has its own rows, by cluster, broker name and broker id.
Passwords are never printed.
`;

describe('docs/configuration.md', () => {
  it('is what the definitions of the settings say', async () => {
    const document = [
      INTRODUCTION,
      '## Namesrv',
      '',
      settingsDocument(namesrvSettings.settings),
      '',
      '## Broker',
      '',
      settingsDocument(brokerSettings.settings),
      '',
    ].join('\n');
    await expect(document).toMatchFileSnapshot('../../docs/configuration.md');
  });
});
