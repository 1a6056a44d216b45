//! The pod mutation: which environment variables, projected token volume and mounts a pod gets so that its containers
//! can take on the identity of their service account.
//!
//! The result is observably that of the Amazon EKS pod identity webhook (v0.6.17), for IAM roles for service accounts and
//! for container credentials: same names, same order, same suppression rules. A pod is read in place, without copying
//! it, and the result is made of small `add` operations, so no field is lost that this program does not know, and it
//! says why whenever something is left out.
//!
//! ```
//! use podpass_inject::{Injection, Pod, Settings, inject};
//! use podpass_kinds::ServiceAccountView;
//! use serde_json::json;
//!
//! let pod = json!({"spec": {"containers": [{"name": "app"}]}});
//! let role = "arn:aws:iam::123456789012:role/app".to_owned();
//! let account = ServiceAccountView {
//!     annotations: [("eks.amazonaws.com/role-arn".to_owned(), role)].into(),
//!     ..ServiceAccountView::default()
//! };
//! let Injection::Patched(patch) = inject(&Pod::from(&pod), &account, &Settings::default()) else { unreachable!() };
//! let injected = patch.apply(&pod)?;
//! assert_eq!(injected["spec"]["containers"][0]["env"][0]["name"], "AWS_ROLE_ARN");
//! assert_eq!(injected["spec"]["volumes"][0]["name"], "aws-iam-token");
//! # Ok::<(), podpass_inject::PatchError>(())
//! ```

mod allowed_roles;
mod annotated;
mod assignments;
mod chain;
mod command_line;
mod container;
mod container_list;
mod endpoint_url;
mod identity;
mod mutate;
mod note;
mod parameters;
mod patch;
mod pod;
mod region;
mod role_arn;
mod session_name;
mod settings;
mod token_expiration;
mod token_file;
mod view;
mod volume;

pub use allowed_roles::{AllowedRoles, RoleNotAllowed};
pub use assignments::{
    Assignments, AssignmentsError, ContainerCredentials, MappedRole, RejectedEntry, RoleMap,
};
pub use chain::{CONFIG_FILE_NAME, chain_config, chain_roles};
pub use command_line::CommandLine;
pub use endpoint_url::{EndpointUrl, InvalidEndpointUrl};
pub use identity::{Identity, roles};
pub use mutate::{Injection, inject};
pub use note::Note;
pub use patch::{Operation, Patch, PatchError};
pub use pod::Pod;
pub use settings::{ContainerCredentialsSettings, MIN_TOKEN_EXPIRATION, RoleHome, Settings};
pub use volume::VOLUME_NAME;
