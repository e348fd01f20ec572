/** The election as a setting of a run: `none` has one fixed master for each group, the others name the lease store. */
export type LeaseStoreKind = 'none' | 'sqlite' | 'etcd';

export interface ClusterShape {
  readonly groups: number;
  readonly membersPerGroup: number;
  readonly namesrvs: number;
  readonly lease: LeaseStoreKind;
}

export interface MemberSpec {
  readonly name: string;
  readonly app: 'broker' | 'namesrv';
  readonly group?: string;
  readonly index: number;
}

const LETTERS = 'abcdefgh';

export function groupName(group: number): string {
  return `group-${LETTERS[group]}`;
}

export function membersOf({ groups, membersPerGroup, namesrvs }: ClusterShape): MemberSpec[] {
  const members: MemberSpec[] = [];
  for (let index = 0; index < namesrvs; index++) members.push({ name: `ns${index}`, app: 'namesrv', index });
  for (let group = 0; group < groups; group++)
    for (let index = 0; index < membersPerGroup; index++)
      members.push({ name: `${LETTERS[group]}${index}`, app: 'broker', group: groupName(group), index });
  return members;
}
