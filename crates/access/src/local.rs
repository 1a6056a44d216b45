//! Being a service account outside the cluster.
//!
//! [`LocalIdentity`] is what a program needs for it, decided by the injection that decides it for pods. [`TokenKeeper`]
//! keeps a token in a file fresh, [`RunFolder`] is the private place of one run, [`Environment`] what its command sees, and
//! [`supervise`] runs the command.

mod child;
mod environment;
mod home;
mod identity;
mod run_folder;
mod session_name;
mod signals;
mod token_folder;
mod token_keeper;

pub use child::{SpawnError, supervise};
pub(crate) use environment::SESSION_NAME;
pub use environment::{Environment, LocalSettings};
pub use identity::{IdentityChoice, IdentityError, LocalIdentity};
pub use run_folder::RunFolder;
pub use session_name::session_name;
pub use signals::{Received, Signals};
pub use token_folder::TokenFolder;
pub use token_keeper::{ClusterTokens, StartError, TokenKeeper, TokenSource};
