/** What a command needs of the process that runs it. */
export type CommandIo = Pick<
  NodeJS.Process,
  'stdout' | 'stderr' | 'env' | 'once' | 'on' | 'off' | 'exit'
>;
