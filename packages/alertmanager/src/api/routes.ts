/** /api/v1/pharos/routes: the routing tree, and the way that given labels take through it. */
import { requestParams } from "@pharos/kit";
import { describeError, Labels } from "@pharos/model";
import type { FastifyInstance } from "fastify";
import { matchRoutes, type Route } from "../config/routes.ts";
import { intervalContains } from "../config/time-intervals.ts";
import type { ApiContext } from "./context.ts";
import { badRequest } from "./filter.ts";

interface ShownRoute {
  id: string;
  receiver: string;
  matchers: string[];
  continue: boolean;
  /** null: by all labels. */
  groupBy: string[] | null;
  /** ms */
  groupWait: number;
  groupInterval: number;
  repeatInterval: number;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  /** The intervals that keep it quiet at this moment. */
  mutedBy: string[];
  /** Only where labels are given: an alert with them is grouped here; it passes here on its way. */
  reached?: boolean;
  passed?: boolean;
  routes: ShownRoute[];
}

/** `label=NAME=VALUE`, again and again; "=" in a value is part of it. */
function labelsOf(params: URLSearchParams, context: ApiContext): Labels | undefined {
  const given = params.getAll("label");
  if (given.length === 0) return undefined;
  const entries = given.map((text) => {
    try {
      const { name, type, value } = context.syntax.matcher(text, "api");
      if (type === "=") return [name, value] as const;
    } catch (error) {
      throw badRequest(`not a label: ${describeError(error)}`);
    }
    throw badRequest(`not a label: ${JSON.stringify(text)}; write it like severity="critical"`);
  });
  return Labels.from(Object.fromEntries(entries.filter(([, value]) => value !== "")));
}

export function mountRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get("/api/v1/pharos/routes", async (request) => {
    const labels = labelsOf(requestParams(request), context);
    const { config } = context.current();
    const now = context.now();
    const found = labels && matchRoutes(config.route, labels);
    const reached = new Set(found);
    const inside = (name: string): boolean => intervalContains(config.timeIntervals.get(name)!, now);
    const show = (route: Route): ShownRoute => {
      const { id, receiver, matchers, groupBy, groupWait, groupInterval, repeatInterval } = route;
      const { muteTimeIntervals, activeTimeIntervals } = route;
      const routes = route.routes.map(show);
      const isInactive = activeTimeIntervals.length > 0 && !activeTimeIntervals.some(inside);
      const own = {
        id,
        receiver,
        matchers: matchers.map(String),
        continue: route.continue,
        groupBy: groupBy ?? null,
        groupWait,
        groupInterval,
        repeatInterval,
        muteTimeIntervals,
        activeTimeIntervals,
        mutedBy: isInactive ? activeTimeIntervals : muteTimeIntervals.filter(inside),
        routes,
      };
      if (!labels) return own;
      const isReached = reached.has(route);
      return { ...own, reached: isReached, passed: isReached || routes.some(({ passed }) => passed) };
    };
    return { route: show(config.route), ...(found ? { receivers: found.map(({ receiver }) => receiver) } : {}) };
  });
}
