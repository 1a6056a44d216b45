//! The canary: a namespace in which the controller creates a pod as a dry run, to see that the webhook answers.
//!
//! A quota of no pods is no second lock: quotas count dry runs too, and would refuse the canary itself.

use podpass_kinds::annotations::{self, ROLE_ARN};
use serde_json::{Value, json};

use crate::access::{canary_grants, controller_user};
use crate::options::WebhookOptions;
use crate::webhook::Component::Canary;

/// The canary's namespace, which the webhook covers and in which no pod ever runs.
pub(crate) const CANARY_NAMESPACE: &str = "podpass-canary";

/// The policy that refuses the controller every pod that would really be created, in whatever namespace.
pub(crate) const DRY_RUN_ONLY: &str = "podpass-canary-dry-run-only";

pub(crate) fn objects(options: &WebhookOptions) -> Vec<Value> {
    let mut account = options.metadata("canary", true, Canary);
    account["namespace"] = CANARY_NAMESPACE.into();
    account["annotations"] = json!({
        annotations::name(&options.annotation_prefix, ROLE_ARN): "arn:aws:iam::000000000000:role/podpass-canary",
    });
    let policy = options.metadata(DRY_RUN_ONLY, false, Canary);
    let mut objects = vec![
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": policy,
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""],
                    "apiVersions": ["*"],
                    "operations": ["CREATE"],
                    "resources": ["pods"],
                    "scope": "*",
                }]},
                "matchConditions": [{
                    "name": "is-the-controller",
                    "expression": format!("request.userInfo.username == '{}'", controller_user(options)),
                }],
                "validations": [{
                    "expression": "has(request.dryRun) && request.dryRun",
                    "message": "the controller of the pod identity webhook creates pods as dry runs only",
                    "reason": "Forbidden",
                }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": policy,
            "spec": {"policyName": DRY_RUN_ONLY, "validationActions": ["Deny"]},
        }),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}),
    ];
    // After the policy, so that there is no moment with the permission and without the policy.
    objects.extend(canary_grants(options));
    objects
}
