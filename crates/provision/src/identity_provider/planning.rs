//! From what was found of an identity provider to the steps that complete it.

use podpass_token::Jwks;
use serde::Deserialize;

use super::bucket_policy::{public_read_policy, with_public_read};
use super::{
    Adoption, BucketState, CLIENT_IDS, DISCOVERY_KEY, IdentityProvider, IdentityProviderPlan,
    JWKS_KEY, ObservedBucket, ObservedIdentityProvider, ObservedObject, ObservedOidcProvider,
    Refusal, Seen,
};
use crate::plan::{ObjectUpload, Plan, PublicAccessBlock, Replaces, Resource, Step};
use crate::tags::{Ownership, Tags, ownership_key};

impl IdentityProvider {
    /// The steps from `observed` to a complete identity provider, or why none is taken.
    ///
    /// A set-up that an interrupted run left half-made is completed part by part; a complete one needs no step.
    pub fn plan(
        &self,
        observed: &ObservedIdentityProvider,
        adoption: Adoption,
    ) -> Result<IdentityProviderPlan, Refusal> {
        let mut plan = Plan {
            resources: vec![
                Resource::bucket(&self.bucket),
                Resource::object(&self.bucket, DISCOVERY_KEY),
                Resource::object(&self.bucket, JWKS_KEY),
                Resource::oidc_provider(&self.issuer),
            ],
            ..Plan::default()
        };
        let state = self.plan_bucket(&observed.bucket, adoption, &mut plan)?;
        self.plan_discovery_document(state.and_then(|state| state.discovery.as_ref()), &mut plan)?;
        self.plan_jwks(state.and_then(|state| state.jwks.as_ref()), &mut plan)?;
        let client_ids = match &observed.oidc_provider {
            Some(provider) => self.plan_existing_provider(provider, adoption, &mut plan)?,
            None => self.plan_new_provider(&observed.other_issuers, &mut plan),
        };
        Ok(IdentityProviderPlan {
            plan,
            arn: observed
                .oidc_provider
                .as_ref()
                .map(|provider| provider.arn.clone()),
            client_ids,
        })
    }

    fn plan_bucket<'o>(
        &self,
        observed: &'o ObservedBucket,
        adoption: Adoption,
        plan: &mut Plan,
    ) -> Result<Option<&'o BucketState>, Refusal> {
        match observed {
            ObservedBucket::Absent => {
                plan.steps.extend([
                    Step::CreateBucket {
                        bucket: self.bucket.clone(),
                        region: self.region.clone(),
                    },
                    self.tag_bucket(self.tags()),
                    self.open_bucket(),
                    self.put_bucket_policy(public_read_policy(
                        &self.bucket,
                        self.region.partition(),
                    )),
                ]);
                Ok(None)
            }
            ObservedBucket::NotAccessible => Err(Refusal::BucketNotAccessible {
                bucket: self.bucket.to_string(),
            }),
            ObservedBucket::Elsewhere { region } => Err(Refusal::elsewhere(
                &self.bucket,
                &self.region,
                region.as_deref(),
            )),
            ObservedBucket::Present(state) => {
                self.plan_existing_bucket(state, adoption, plan)?;
                Ok(Some(state))
            }
        }
    }

    fn plan_existing_bucket(
        &self,
        state: &BucketState,
        adoption: Adoption,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        // A run that died right after making the bucket left it empty and without tags: nobody else can miss it.
        let just_made =
            state.empty && state.tags.is_empty() && !matches!(state.policy, Seen::Present(_));
        if !just_made {
            self.require_ownership(&Resource::bucket(&self.bucket), &state.tags, adoption)?;
        }
        if state.tags.owner(&self.cluster) != Ownership::Ours {
            if state.policy == Seen::Hidden {
                return Err(Refusal::BucketPolicyHidden {
                    bucket: self.bucket.to_string(),
                });
            }
            if !state.empty {
                plan.notes.push(format!(
                    "bucket {} holds objects already; as the issuer's, anyone can read all of them",
                    self.bucket
                ));
            }
        }
        if !self.tags().missing_from(&state.tags).is_empty() {
            plan.steps
                .push(self.tag_bucket(state.tags.merged_with(&self.tags())));
        }
        // The documents are uploaded last: with one present, the two settings before it were made, even if unseen.
        let settings_were_made = state.discovery.is_some();
        match &state.public_access_block {
            Seen::Present(block) if serves_public_policy(*block) => {}
            Seen::Hidden if settings_were_made => plan
                .notes
                .push(self.hidden("s3:GetBucketPublicAccessBlock")),
            Seen::Absent => {}
            Seen::Present(_) | Seen::Hidden => plan.steps.push(self.open_bucket()),
        }
        let own_policy = || public_read_policy(&self.bucket, self.region.partition());
        match &state.policy {
            Seen::Present(policy) => {
                let extended = with_public_read(policy, &self.bucket, self.region.partition())
                    .map_err(|_| Refusal::BucketPolicyUnreadable {
                        bucket: self.bucket.to_string(),
                    })?;
                plan.steps
                    .extend(extended.map(|policy| self.put_bucket_policy(policy)));
            }
            Seen::Hidden if settings_were_made => {
                plan.notes.push(self.hidden("s3:GetBucketPolicy"));
            }
            Seen::Absent | Seen::Hidden => plan.steps.push(self.put_bucket_policy(own_policy())),
        }
        Ok(())
    }

    fn plan_discovery_document(
        &self,
        found: Option<&ObservedObject>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let wanted = self.discovery_document();
        let Some(found) = found else {
            plan.steps
                .push(self.put_object(DISCOVERY_KEY, wanted, None));
            return Ok(());
        };
        let described = serde_json::from_str::<DescribedIssuer>(&found.body).ok();
        if let Some(described) = &described
            && described.issuer != self.issuer
        {
            return Err(Refusal::OtherIssuer {
                bucket: self.bucket.to_string(),
                key: DISCOVERY_KEY.to_owned(),
                expected: self.issuer.clone(),
                actual: described.issuer.clone(),
            });
        }
        // ccoctl writes the same members with other blanks; that is no reason to upload it again.
        let serves = described.is_some_and(|described| described.serves(&self.issuer));
        let body = (!serves).then_some(wanted);
        self.plan_object(DISCOVERY_KEY, body, found, plan);
        Ok(())
    }

    fn plan_jwks(&self, found: Option<&ObservedObject>, plan: &mut Plan) -> Result<(), Refusal> {
        let Some(found) = found else {
            plan.steps
                .push(self.put_object(JWKS_KEY, self.jwks_document(), None));
            return Ok(());
        };
        if found.body.trim().is_empty() {
            plan.notes
                .push(format!("{JWKS_KEY} in bucket {} was empty", self.bucket));
            self.plan_object(JWKS_KEY, Some(self.jwks_document()), found, plan);
            return Ok(());
        }
        let published = Jwks::parse(&found.body).map_err(|error| Refusal::JwksUnreadable {
            bucket: self.bucket.to_string(),
            key: JWKS_KEY.to_owned(),
            problem: error.to_string(),
        })?;
        let union = published.union(&self.keys);
        let others = union.keys.len() - self.keys.keys.len();
        if others > 0 {
            plan.notes.push(format!(
                "{JWKS_KEY} keeps {others} other {}, so that tokens signed with {} stay valid",
                if others == 1 { "key" } else { "keys" },
                if others == 1 { "it" } else { "them" },
            ));
        }
        let body = (union != published).then(|| union.to_json());
        self.plan_object(JWKS_KEY, body, found, plan);
        Ok(())
    }

    /// Uploads `body` over `found`, or just completes its tags.
    fn plan_object(
        &self,
        key: &str,
        body: Option<String>,
        found: &ObservedObject,
        plan: &mut Plan,
    ) {
        match body {
            Some(body) => plan.steps.push(self.put_object(key, body, Some(found))),
            None if !self.tags().missing_from(&found.tags).is_empty() => {
                plan.steps.push(Step::TagObject {
                    bucket: self.bucket.clone(),
                    key: key.to_owned(),
                    tags: found.tags.merged_with(&self.tags()),
                });
            }
            None => {}
        }
    }

    fn plan_existing_provider(
        &self,
        provider: &ObservedOidcProvider,
        adoption: Adoption,
        plan: &mut Plan,
    ) -> Result<Vec<String>, Refusal> {
        self.require_ownership(
            &Resource::oidc_provider(&self.issuer),
            &provider.tags,
            adoption,
        )?;
        let missing = self.tags().missing_from(&provider.tags);
        if !missing.is_empty() {
            plan.steps.push(Step::TagOidcProvider {
                provider: provider.arn.clone(),
                tags: missing,
            });
        }
        let mut client_ids = provider.client_ids.clone();
        let extra: Vec<&str> = client_ids
            .iter()
            .map(String::as_str)
            .filter(|id| !CLIENT_IDS.contains(id))
            .collect();
        if !extra.is_empty() {
            plan.notes.push(format!(
                "the OIDC provider also accepts the audiences {}; they stay",
                extra.join(", ")
            ));
        }
        for client_id in CLIENT_IDS {
            if !client_ids.iter().any(|present| present == client_id) {
                plan.steps.push(Step::AddClientId {
                    provider: provider.arn.clone(),
                    client_id: client_id.to_owned(),
                });
                client_ids.push(client_id.to_owned());
            }
        }
        Ok(client_ids)
    }

    fn plan_new_provider(
        &self,
        other_issuers: &[podpass_policy::OidcProviderArn],
        plan: &mut Plan,
    ) -> Vec<String> {
        for other in other_issuers {
            plan.notes.push(format!(
                "{other} is this cluster's too, with another issuer; it stays"
            ));
        }
        let client_ids: Vec<String> = CLIENT_IDS.map(str::to_owned).to_vec();
        plan.steps.push(Step::CreateOidcProvider {
            url: self.issuer.clone(),
            client_ids: client_ids.clone(),
            tags: self.tags(),
        });
        client_ids
    }

    fn require_ownership(
        &self,
        resource: &Resource,
        tags: &Tags,
        adoption: Adoption,
    ) -> Result<(), Refusal> {
        refuse_unless_owned(&self.cluster, resource, tags, adoption)
    }

    fn tag_bucket(&self, tags: Tags) -> Step {
        Step::TagBucket {
            bucket: self.bucket.clone(),
            tags,
        }
    }

    fn open_bucket(&self) -> Step {
        Step::SetPublicAccessBlock {
            bucket: self.bucket.clone(),
            settings: PublicAccessBlock::PUBLIC_POLICY,
        }
    }

    fn put_bucket_policy(&self, document: String) -> Step {
        Step::PutBucketPolicy {
            bucket: self.bucket.clone(),
            document,
        }
    }

    fn put_object(&self, key: &str, body: String, replaced: Option<&ObservedObject>) -> Step {
        Step::PutObject {
            upload: ObjectUpload {
                bucket: self.bucket.clone(),
                key: key.to_owned(),
                body,
                content_type: "application/json",
                tags: replaced
                    .map_or_else(|| self.tags(), |found| found.tags.merged_with(&self.tags())),
            },
            replaces: match replaced {
                None => Replaces::Nothing,
                Some(found) => found
                    .entity_tag
                    .clone()
                    .map_or(Replaces::Anything, Replaces::Version),
            },
        }
    }

    fn hidden(&self, action: &str) -> String {
        format!(
            "bucket {} was not checked in one point: the caller lacks {action}; it stays as it is",
            self.bucket
        )
    }
}

/// Refuses a resource that does not carry `cluster`'s ownership tag, unless untagged ones are adopted.
pub(crate) fn refuse_unless_owned(
    cluster: &crate::names::ClusterName,
    resource: &Resource,
    tags: &Tags,
    adoption: Adoption,
) -> Result<(), Refusal> {
    match (tags.owner(cluster), adoption) {
        (Ownership::Ours, _) | (Ownership::Untagged, Adoption::Adopt) => Ok(()),
        (Ownership::Untagged, Adoption::Refuse) => Err(Refusal::NotOwned {
            resource: resource.to_string(),
            tag: ownership_key(cluster),
        }),
        (Ownership::Foreign { key, value }, _) => Err(Refusal::OwnedByOther {
            resource: resource.to_string(),
            key,
            value,
        }),
    }
}

/// What AWS reads of a discovery document.
#[derive(Deserialize)]
struct DescribedIssuer {
    issuer: String,
    jwks_uri: Option<String>,
    response_types_supported: Option<Vec<String>>,
    subject_types_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
}

impl DescribedIssuer {
    /// Whether AWS finds the keys through it; it refuses a document that lacks one of the three lists.
    fn serves(&self, issuer: &str) -> bool {
        self.jwks_uri.as_deref() == Some(&format!("{issuer}/{JWKS_KEY}"))
            && self.response_types_supported.is_some()
            && self.subject_types_supported.is_some()
            && self
                .id_token_signing_alg_values_supported
                .as_ref()
                .is_some_and(|algorithms| algorithms.iter().any(|algorithm| algorithm == "RS256"))
    }
}

/// The two switches that stand between a public policy and its readers.
fn serves_public_policy(block: PublicAccessBlock) -> bool {
    !block.block_public_policy && !block.restrict_public_buckets
}
