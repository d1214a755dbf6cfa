import { type Condition, emitStatuses, FamilyMaker, type Resource, type Wire } from "../family.ts";

interface Job extends Wire {
  spec?: {
    parallelism?: number | null;
    completions?: number | null;
    activeDeadlineSeconds?: number | null;
  };
  status?: {
    succeeded?: number;
    failed?: number;
    active?: number;
    ready?: number | null;
    startTime?: string | null;
    completionTime?: string | null;
    conditions?: Condition[] | null;
  };
}

const REASONS = ["BackoffLimitExceeded", "DeadlineExceeded", "Evicted"];
const make = new FamilyMaker<Job>("kube_job_");

/** The three statuses of each condition of a type. */
const condition = (name: string, help: string, wanted: string) =>
  make.gauge(name, "STABLE", help, ({ status }, emit) => {
    for (const { type, status: now } of status?.conditions ?? []) {
      if (type === wanted) emitStatuses(now, (value, text) => emit(value, ["condition", text]));
    }
  });

export const jobs: Resource<Job> = {
  name: "jobs",
  type: { group: "batch", version: "v1", plural: "jobs", namespaced: true },
  goType: "*v1.Job",
  identity: ({ metadata: { namespace, name } }) => ["namespace", namespace, "job_name", name],
  families: [
    make.annotations(),
    make.labels("STABLE"),
    make.info("info", "STABLE", "Information about job."),
    make.created("STABLE"),
    make.optional(
      "spec_parallelism",
      "STABLE",
      "The maximum desired number of pods the job should run at any given time.",
      ({ spec }) => spec?.parallelism,
    ),
    make.optional(
      "spec_completions",
      "STABLE",
      "The desired number of successfully finished pods the job should be run with.",
      ({ spec }) => spec?.completions,
    ),
    make.optional(
      "spec_active_deadline_seconds",
      "STABLE",
      "The duration in seconds relative to the startTime that the job may be active before the system tries to terminate it.",
      ({ spec }) => spec?.activeDeadlineSeconds,
    ),
    make.number(
      "status_succeeded",
      "STABLE",
      "The number of pods which reached Phase Succeeded.",
      ({ status }) => status?.succeeded,
    ),
    make.gauge(
      "status_failed",
      "STABLE",
      "The number of pods which reached Phase Failed and the reason for failure.",
      ({ status }, emit) => {
        const failed = status?.failed ?? 0;
        if (failed === 0) {
          emit(0);
          return;
        }
        let known = false;
        for (const { type, reason } of status?.conditions ?? []) {
          if (type !== "Failed") continue;
          known ||= REASONS.includes(reason ?? "");
          for (const possible of REASONS) emit(Number(possible === reason), ["reason", possible]);
        }
        if (!known) emit(failed, ["reason", ""]);
      },
    ),
    make.number("status_active", "STABLE", "The number of actively running pods.", ({ status }) => status?.active),
    make.number(
      "status_ready",
      "ALPHA",
      "The number of ready pods that belong to this Job.",
      ({ status }) => status?.ready ?? 0,
    ),
    condition("complete", "The job has completed its execution.", "Complete"),
    condition("failed", "The job has failed its execution.", "Failed"),
    make.time(
      "status_start_time",
      "STABLE",
      "StartTime represents time when the job was acknowledged by the Job Manager.",
      ({ status }) => status?.startTime,
    ),
    make.time(
      "status_completion_time",
      "STABLE",
      "CompletionTime represents time when the job was completed.",
      ({ status }) => status?.completionTime,
    ),
    make.gauge("status_suspended", "ALPHA", "The number of pods which reached Phase Suspended.", ({ status }, emit) => {
      for (const { type, status: now } of status?.conditions ?? []) {
        if (type === "Suspended") emit(Number(now === "True"));
      }
    }),
    make.owner("STABLE", "Information about the Job's owner."),
  ],
};
