/** promtool's exit codes. */
export const SUCCESS = 0;
export const FAILURE = 1;
/** Only lint complaints. */
export const LINT = 3;
