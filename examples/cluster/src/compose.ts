import { clusterMembers, DEFAULT_PORTS, flagsOf, type Member } from './members.js';

/** Members in containers listen on all addresses, because Docker comes in from outside; clients reach them on the machine's loopback. */
const NETWORK = {
  namesrv: { bindAddress: '0.0.0.0' },
  broker: { bindAddress: '0.0.0.0', brokerIP1: '127.0.0.1' },
};

const HEAD = `# The cluster of examples/cluster in containers: docker compose -f examples/cluster/compose.yaml up --build
#
# Written by src/compose.ts from the members that "npm run cluster" starts; a test holds the two together. All members share the network of one container, so that
# 127.0.0.1 means the same to each of them and, by the published ports, to clients on this machine.
x-rocknest: &rocknest
  image: rocknest-cluster
  build:
    context: ../..
    dockerfile_inline: |
      FROM node:22-slim
      WORKDIR /rocknest
      COPY package.json package-lock.json ./
      RUN npm ci
      COPY tsconfig.json nest-cli.json rolldown.config.js ./
      COPY apps apps
      COPY libs libs
      RUN npx nest build namesrv && npx nest build broker && npx rolldown -c
  init: true
  # Requests under way, slaves, and the store have their time.
  stop_grace_period: 30s
`;

/** The members as the compose file starts them. */
export function composeMembers(): Member[] {
  return clusterMembers({ ports: DEFAULT_PORTS, folder: '/stores', network: NETWORK });
}

/** The text of compose.yaml. */
export function composeFile(): string {
  const members = composeMembers();
  const list = (indent: string, items: readonly string[]): string =>
    items.map((item) => `${indent}- '${item}'`).join('\n');
  const service = (member: Member): string => `
  ${member.name}:
    <<: *rocknest
    network_mode: service:network
    depends_on:
      - network
    command:
${list('      ', ['node', `dist/${member.app}/main.js`, ...flagsOf(member)])}
    volumes:
      - ${member.name}:/stores/${member.name}
`;
  return `${HEAD}
services:
  network:
    <<: *rocknest
    command:
      - sleep
      - infinity
    ports:
${list(
  '      ',
  members.map(({ ports: [port] }) => `127.0.0.1:${port}:${port}`),
)}
${members.map(service).join('')}
volumes:
${members.map(({ name }) => `  ${name}:`).join('\n')}
`;
}
