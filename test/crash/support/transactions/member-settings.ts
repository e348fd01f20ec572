/** What a producer process is started with, as JSON. */
export interface TransactionMemberSettings {
  namesrvAddr: string;
  group: string;
  topic: string;
  /** The SQLite file that all producers share. */
  databaseFile: string;
  /** Gets the number of each order before its transaction begins. */
  logFile: string;
  /** Orders from `first` on, `step` apart, below `end`. */
  first: number;
  step: number;
  end: number;
  maxTransactionMs: number;
}
