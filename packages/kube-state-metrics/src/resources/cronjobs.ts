import { FamilyMaker, namespacedName, type Resource, type Wire } from "../family.ts";
import { parseSchedule } from "../values/cron.ts";
import { unixSeconds } from "../values/time.ts";

interface CronJob extends Wire {
  spec?: {
    schedule?: string;
    timeZone?: string | null;
    concurrencyPolicy?: string;
    suspend?: boolean | null;
    startingDeadlineSeconds?: number | null;
    successfulJobsHistoryLimit?: number | null;
    failedJobsHistoryLimit?: number | null;
  };
  status?: { active?: unknown[] | null; lastScheduleTime?: string | null; lastSuccessfulTime?: string | null };
}

const make = new FamilyMaker<CronJob>("kube_cronjob_");

const scheduleOf = ({ spec }: CronJob) => parseSchedule(spec?.schedule ?? "", spec?.timeZone);
/** What a schedule without another fire in sight gives, as upstream: Go's zero time. */
const NEVER = unixSeconds(undefined);

export const cronjobs: Resource<CronJob> = {
  name: "cronjobs",
  type: { group: "batch", version: "v1", plural: "cronjobs", namespaced: true },
  goType: "*v1.CronJob",
  identity: namespacedName("cronjob"),
  families: [
    make.annotations(),
    make.labels("STABLE"),
    make.info("info", "STABLE", "Info about cronjob.", ({ spec }) => [
      "schedule",
      spec?.schedule,
      "concurrency_policy",
      spec?.concurrencyPolicy,
      "timezone",
      spec?.timeZone ?? "local",
    ]),
    make.created("STABLE"),
    make.number(
      "status_active",
      "STABLE",
      "Active holds pointers to currently running jobs.",
      ({ status }) => status?.active?.length,
    ),
    make.time(
      "status_last_schedule_time",
      "STABLE",
      "LastScheduleTime keeps information of when was the last time the job was successfully scheduled.",
      ({ status }) => status?.lastScheduleTime,
    ),
    make.time(
      "status_last_successful_time",
      "STABLE",
      "LastSuccessfulTime keeps information of when was the last time the job was completed successfully.",
      ({ status }) => status?.lastSuccessfulTime,
    ),
    make.number(
      "spec_suspend",
      "STABLE",
      "Suspend flag tells the controller to suspend subsequent executions.",
      ({ spec }) => Number(spec?.suspend ?? false),
    ),
    make.optional(
      "spec_starting_deadline_seconds",
      "STABLE",
      "Deadline in seconds for starting the job if it misses scheduled time for any reason.",
      ({ spec }) => spec?.startingDeadlineSeconds,
    ),
    make.optional(
      "next_schedule_time",
      "STABLE",
      "Next time the cronjob should be scheduled. The time after lastScheduleTime, or after the cron job's creation time if it's never been scheduled. Use this to determine if the job is delayed.",
      (job) => {
        const last = job.status?.lastScheduleTime || job.metadata.creationTimestamp;
        if (job.spec?.suspend || !last) return undefined;
        const schedule = scheduleOf(job);
        return schedule && (schedule.next(Date.parse(last) / 1000) ?? NEVER);
      },
    ),
    make.optional(
      "schedule_invalid",
      "ALPHA",
      "Emitted with value 1 for cronjobs whose schedule, in its configured timezone, cannot be parsed.",
      (job) => (scheduleOf(job) ? undefined : 1),
    ),
    make.resourceVersion("STABLE", "the cronjob"),
    make.optional(
      "spec_successful_job_history_limit",
      "ALPHA",
      "Successful job history limit tells the controller how many completed jobs should be preserved.",
      ({ spec }) => spec?.successfulJobsHistoryLimit,
    ),
    make.optional(
      "spec_failed_job_history_limit",
      "ALPHA",
      "Failed job history limit tells the controller how many failed jobs should be preserved.",
      ({ spec }) => spec?.failedJobsHistoryLimit,
    ),
  ],
};
