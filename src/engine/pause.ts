/** Whether an operator has paused a pipeline: then none of its turns starts. All partitions of the pipeline share it. */
export interface Pause {
  readonly isPaused: boolean;
}
