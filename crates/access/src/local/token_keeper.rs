//! A token that is renewed before it expires.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use podpass_cluster::{Cluster, ClusterError, TokenRequest};
use podpass_token::{Jwt, Token};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};

use super::TokenFolder;

/// Gives tokens.
pub trait TokenSource: Send + Sync {
    /// Why there is no token.
    type Error: Error + Send + Sync + 'static;

    /// Asks for a token; it comes with the time at which it expires.
    fn request(&self) -> impl Future<Output = Result<(Token, Timestamp), Self::Error>> + Send;
}

/// Tokens of a service account from the TokenRequest API.
#[derive(Clone, Debug)]
pub struct ClusterTokens {
    /// The cluster.
    pub cluster: Cluster,
    /// What is asked for each time.
    pub request: TokenRequest,
}

impl TokenSource for ClusterTokens {
    type Error = ClusterError;

    async fn request(&self) -> Result<(Token, Timestamp), ClusterError> {
        self.cluster.request_token(&self.request).await
    }
}

/// A token in a [`TokenFolder`] that is renewed for as long as [`TokenKeeper::keep`] is polled.
///
/// As the kubelet does, it asks for the next token after four fifths of the life of the last one. The life is what the
/// token says, `exp` less `iat`, so that a clock which differs from the API server's does no harm.
pub struct TokenKeeper<S> {
    source: S,
    folder: TokenFolder,
    refresh_after: Option<Duration>,
    wall_clock: fn() -> Timestamp,
    issued: Issued,
}

/// A keeper that has no first token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError<E: Error + 'static> {
    /// The source gives none.
    #[error("there is no token")]
    Request(#[source] E),
    /// It cannot be written.
    #[error("cannot write a token into `{}`", folder.display())]
    Write {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// When a token came, by both clocks, and how long it lives.
struct Issued {
    at: Instant,
    wall: Timestamp,
    life: Duration,
}

impl<S: TokenSource> TokenKeeper<S> {
    /// Asks for the first token and writes it into `folder`, which must not exist.
    ///
    /// `refresh_after` renews it earlier than the default; four fifths of its life is the latest.
    pub async fn start(
        source: S,
        folder: PathBuf,
        refresh_after: Option<Duration>,
    ) -> Result<Self, StartError<S::Error>> {
        let wall_clock = Timestamp::now;
        let (token, expires) = source.request().await.map_err(StartError::Request)?;
        let issued = Issued::now(&token, expires, wall_clock);
        let folder = TokenFolder::create(folder.clone(), &token)
            .map_err(|source| StartError::Write { folder, source })?;
        Ok(Self {
            source,
            folder,
            refresh_after,
            wall_clock,
            issued,
        })
    }

    /// Where the token is.
    pub fn path(&self) -> PathBuf {
        self.folder.path()
    }

    /// Renews the token again and again, for as long as it is polled.
    ///
    /// While a renewal fails, the old token stays and the renewal is tried again, after a second at first and after
    /// half a minute in the end.
    pub async fn keep(&mut self) -> Infallible {
        loop {
            self.wait_until_due().await;
            self.renew().await;
        }
    }

    async fn wait_until_due(&self) {
        let latest = self.issued.life.mul_f64(RENEWED_AT);
        let due = self.refresh_after.map_or(latest, |after| after.min(latest));
        // A token that is born expired must not make this spin.
        let due = due.max(FIRST_PAUSE);
        // In steps, since the monotonic clock stands still while a laptop sleeps.
        while let Some(rest) = due.checked_sub(self.age()).filter(|rest| !rest.is_zero()) {
            sleep(rest.min(LOOK_AT_THE_CLOCK_EVERY)).await;
        }
    }

    async fn renew(&mut self) {
        let mut pause = FIRST_PAUSE;
        let mut told_of_end = false;
        while let Err(reason) = self.try_renew().await {
            let path = self.path();
            if self.age() < self.issued.life {
                tracing::warn!(%reason, path = %path.display(), "Token not renewed, the old one is still valid");
            } else if !told_of_end {
                tracing::error!(%reason, path = %path.display(), "Token expired and not renewed");
                told_of_end = true;
            }
            sleep(with_jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_renew(&mut self) -> Result<(), String> {
        let request = timeout(REQUEST_LIMIT, self.source.request()).await;
        let request = request.map_err(|_| "no answer in time".to_owned())?;
        let (token, expires) = request.map_err(|error| chain(&error))?;
        let issued = Issued::now(&token, expires, self.wall_clock);
        self.folder.replace(&token).map_err(|error| chain(&error))?;
        self.issued = issued;
        tracing::info!(path = %self.path().display(), %expires, "Token renewed");
        Ok(())
    }

    fn age(&self) -> Duration {
        let by_wall = (self.wall_clock)().duration_since(self.issued.wall);
        let by_wall = Duration::try_from(by_wall).unwrap_or_default();
        self.issued.at.elapsed().max(by_wall)
    }
}

impl<S> std::fmt::Debug for TokenKeeper<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenKeeper")
            .field("path", &self.folder.path())
            .finish_non_exhaustive()
    }
}

impl Issued {
    fn now(token: &Token, expires: Timestamp, wall_clock: fn() -> Timestamp) -> Self {
        let wall = wall_clock();
        let claimed = Jwt::decode(token).ok().and_then(|jwt| {
            let claim = |name| jwt.claims().get(name)?.as_i64();
            u64::try_from(claim("exp")? - claim("iat")?).ok()
        });
        let left = || Duration::try_from(expires.duration_since(wall)).unwrap_or_default();
        Self {
            at: Instant::now(),
            wall,
            life: claimed.map_or_else(left, Duration::from_secs),
        }
    }
}

/// An error's own text and that of its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

/// Adds up to a quarter, so that many runs that lost the same API server do not come back at once.
fn with_jitter(pause: Duration) -> Duration {
    // A hasher of the standard library is seeded at random.
    let draw = RandomState::new().hash_one(()) % 1_000;
    pause + pause.mul_f64(f64::from(u32::try_from(draw).unwrap_or_default()) / 4_000.0)
}

/// The kubelet's part of a token's life (pkg/kubelet/token/token_manager.go).
const RENEWED_AT: f64 = 0.8;
/// How late a renewal can be after a suspension of the machine.
const LOOK_AT_THE_CLOCK_EVERY: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A request that hangs is given up: the caller may have set no limit of its own.
const REQUEST_LIMIT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    use podpass_token::{KeySize, SigningKey};

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    /// Gives tokens of an hour, numbered by `jti`, and fails where it is told to.
    #[derive(Clone)]
    struct Scripted {
        key: Arc<SigningKey>,
        asked: Arc<Mutex<Vec<Instant>>>,
        fails: fn(usize) -> bool,
    }

    #[derive(Debug, Error)]
    #[error("the API server is away")]
    struct Away;

    impl Scripted {
        fn new(fails: fn(usize) -> bool) -> Self {
            let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
            Self {
                key: Arc::new(key),
                asked: Arc::default(),
                fails,
            }
        }

        /// When it was asked, in whole seconds after the first time.
        fn asked_after(&self) -> Vec<u64> {
            let asked = self.asked.lock().unwrap();
            asked.iter().map(|at| (*at - asked[0]).as_secs()).collect()
        }
    }

    impl TokenSource for Scripted {
        type Error = Away;

        async fn request(&self) -> Result<(Token, Timestamp), Away> {
            let number = {
                let mut asked = self.asked.lock().unwrap();
                asked.push(Instant::now());
                asked.len() - 1
            };
            if (self.fails)(number) {
                return Err(Away);
            }
            // The API server's clock is a day behind, which must not matter.
            let expires = Timestamp::now() - Duration::from_hours(23);
            let claims = format!(
                r#"{{"iat":{},"exp":{},"jti":"{number}"}}"#,
                expires.as_second() - 3600,
                expires.as_second()
            );
            Ok((self.key.sign(r#"{"alg":"RS256"}"#, &claims), expires))
        }
    }

    struct Stand {
        source: Scripted,
        keeper: TokenKeeper<Scripted>,
        _folder: tempfile::TempDir,
    }

    async fn stand(fails: fn(usize) -> bool, refresh_after: Option<Duration>) -> Stand {
        let source = Scripted::new(fails);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        let keeper = TokenKeeper::start(source.clone(), path, refresh_after);
        Stand {
            keeper: keeper.await.unwrap(),
            source,
            _folder: folder,
        }
    }

    impl Stand {
        async fn keep_for(&mut self, time: Duration) {
            let _ = timeout(time, self.keeper.keep()).await;
        }

        fn number(&self) -> String {
            number_in(&self.keeper.path())
        }
    }

    /// The `jti` of the token in the file.
    fn number_in(path: &Path) -> String {
        let text = std::fs::read_to_string(path).unwrap();
        let jwt = Jwt::decode(&Token::new(text)).unwrap();
        jwt.claims()["jti"].as_str().unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn renews_after_four_fifths_of_the_life_whatever_the_clocks_say() {
        let mut stand = stand(|_| false, None).await;
        stand.keep_for(Duration::from_secs(2_870)).await;
        assert_eq!(stand.number(), "0");
        stand.keep_for(Duration::from_secs(7_000)).await;
        // 80 % of 3600 s.
        assert_eq!(stand.source.asked_after(), [0, 2_880, 5_760, 8_640]);
        assert_eq!(stand.number(), "3");
    }

    #[tokio::test(start_paused = true)]
    async fn refresh_after_renews_earlier_and_never_too_late() {
        let mut early = stand(|_| false, Some(Duration::from_secs(5))).await;
        early.keep_for(Duration::from_secs(21)).await;
        assert_eq!(early.source.asked_after(), [0, 5, 10, 15, 20]);
        let mut late = stand(|_| false, Some(HOUR * 2)).await;
        late.keep_for(HOUR).await;
        assert_eq!(late.source.asked_after(), [0, 2_880]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_old_token_stays_while_the_renewal_fails_and_is_tried_again() {
        let mut stand = stand(|number| (1..=8).contains(&number), None).await;
        let path = stand.keeper.path();
        {
            let mut keeping = std::pin::pin!(stand.keeper.keep());
            let _ = timeout(Duration::from_secs(2_900), &mut keeping).await;
            assert_eq!(number_in(&path), "0");
            let _ = timeout(Duration::from_secs(200), &mut keeping).await;
            assert_eq!(number_in(&path), "9");
        }
        let asked = stand.source.asked_after();
        let pauses: Vec<u64> = asked[1..]
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect();
        // 1, 2, 4, 8, 16, 30, 30, 30 seconds, each up to a quarter longer.
        for (pause, least) in pauses.iter().zip([1, 2, 4, 8, 16, 30, 30, 30]) {
            let most = least * 5 / 4 + 1;
            assert!((least..=most).contains(pause), "{pauses:?}");
        }
        // Then the rhythm of the new token's life begins.
        let renewed = asked[9];
        stand.keep_for(Duration::from_secs(2_900)).await;
        assert_eq!(stand.source.asked_after()[10], renewed + 2_880);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_slept_renews_as_soon_as_it_looks_at_the_clock() {
        static SLEPT: AtomicI64 = AtomicI64::new(0);
        let mut stand = stand(|_| false, None).await;
        stand.keeper.wall_clock =
            || Timestamp::now() + Duration::from_secs(SLEPT.load(Ordering::Relaxed).unsigned_abs());
        stand.keep_for(Duration::from_mins(1)).await;
        assert_eq!(stand.number(), "0");
        SLEPT.store(3_500, Ordering::Relaxed);
        stand
            .keep_for(LOOK_AT_THE_CLOCK_EVERY + Duration::from_secs(1))
            .await;
        assert_eq!(stand.number(), "1");
    }

    #[tokio::test]
    async fn no_first_token_is_an_error_and_leaves_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        let started = TokenKeeper::start(Scripted::new(|_| true), path.clone(), None).await;
        assert!(matches!(started, Err(StartError::Request(Away))));
        assert!(!path.exists());
        let nowhere = folder.path().join("absent/t");
        let started = TokenKeeper::start(Scripted::new(|_| false), nowhere, None).await;
        assert!(matches!(started, Err(StartError::Write { .. })));
    }
}
