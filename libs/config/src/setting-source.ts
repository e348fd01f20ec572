/** Where a value came from. Later ones win: default, file, environment, flag, program, update. */
export type SettingSource =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'environment'; readonly name: string }
  | { readonly from: 'flag'; readonly name: string }
  /** handed over by the program that starts this one (an embedded namesrv, a test) */
  | { readonly from: 'program' }
  /** changed while the program ran, and kept in a file of its own */
  | { readonly from: 'update'; readonly file: string };

/** The source in words: `broker.conf:12`, `environment NAMESRV_ADDR`, `flag -n`. */
export function describeSource(source: SettingSource): string {
  switch (source.from) {
    case 'default':
      return 'default';
    case 'file':
      return `${source.file}:${source.line}`;
    case 'environment':
      return `environment ${source.name}`;
    case 'flag':
      return `flag ${source.name}`;
    case 'program':
      return 'set by the program';
    case 'update':
      return `updated at run time, kept in ${source.file}`;
  }
}
