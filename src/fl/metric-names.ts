/** What a metric may be called: it stands in tables, in CSV and on terminals. */
const METRIC_NAME = /^[\w ./:-]{1,64}$/;
/** How many metrics of one document are kept. */
export const METRICS_MAX = 100;

/** Whether a metric may be called so. */
export const isMetricName = (name: string): boolean => METRIC_NAME.test(name);
