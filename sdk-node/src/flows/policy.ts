// What becomes of a job of a flow when a parent does not complete: the words for it.
import { ParentFailurePolicy as Policy } from "../gen/rockqueue/v1/flow_service.js";
import { choice } from "../options.js";

/**
 * What becomes of a child when a parent dies, is cancelled or deleted: it is DEAD with reason PARENT_FAILED, it is
 * CANCELLED, or it goes on as if the parent had completed.
 */
export type ParentFailurePolicy = "cascade" | "cancel" | "ignore";

const POLICIES = {
  cascade: Policy.PARENT_FAILURE_POLICY_CASCADE,
  cancel: Policy.PARENT_FAILURE_POLICY_CANCEL,
  ignore: Policy.PARENT_FAILURE_POLICY_IGNORE,
} satisfies Record<ParentFailurePolicy, Policy>;

/** The number of a word in the contract; that of UNSPECIFIED for none. Throws a TypeError for a word that is none. */
export function toPolicy(policy: ParentFailurePolicy | undefined, option: string): Policy {
  return policy === undefined ? Policy.PARENT_FAILURE_POLICY_UNSPECIFIED : choice(POLICIES, policy, option);
}

/** The word for a number of the contract; undefined for one that this version does not know. */
export function policyOf(value: number): ParentFailurePolicy | undefined {
  return (Object.keys(POLICIES) as ParentFailurePolicy[]).find((word) => POLICIES[word] === value);
}
