/** Access by Kubernetes' own rules: whose token it is (TokenReview), and whether they may read the path. */
import type { KubeClient, KubeObject, ResourceType } from "@pharos/kube/client";

const TOKEN_REVIEWS: ResourceType = { group: "authentication.k8s.io", version: "v1", plural: "tokenreviews" };
const ACCESS_REVIEWS: ResourceType = { group: "authorization.k8s.io", version: "v1", plural: "subjectaccessreviews" };

interface User {
  username?: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

interface TokenReview extends KubeObject {
  status?: { authenticated?: boolean; user?: User };
}

interface AccessReview extends KubeObject {
  status?: { allowed?: boolean };
}

type Verdict = 200 | 401 | 403;

/** How long a verdict holds, in milliseconds, so that each scrape does not ask anew. */
const ALLOWED_MS = 60_000;
const REFUSED_MS = 10_000;
const MAX_KNOWN = 1000;

export class AuthFilter {
  readonly #client: KubeClient;
  readonly #known = new Map<string, { verdict: Verdict; until: number }>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** The HTTP status the request gets: 200 when it may pass. Throws when the API server cannot be asked. */
  async check(authorization: string | undefined, verb: string, path: string, signal?: AbortSignal): Promise<Verdict> {
    const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return 401;
    const key = `${verb} ${path} ${token}`;
    const known = this.#known.get(key);
    if (known && known.until > Date.now()) return known.verdict;
    const verdict = await this.#ask(token, verb, path, signal);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, { verdict, until: Date.now() + (verdict === 200 ? ALLOWED_MS : REFUSED_MS) });
    return verdict;
  }

  async #ask(token: string, verb: string, path: string, signal?: AbortSignal): Promise<Verdict> {
    const review: TokenReview = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      metadata: {},
      spec: { token },
    };
    const { status } = await this.#client.create(TOKEN_REVIEWS, review, signal);
    if (!status?.authenticated) return 401;
    const { username, uid, groups, extra } = status.user ?? {};
    const access: AccessReview = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: { user: username, uid, groups, extra, nonResourceAttributes: { path, verb } },
    };
    const answer = await this.#client.create(ACCESS_REVIEWS, access, signal);
    return answer.status?.allowed ? 200 : 403;
  }
}
