//! Owns the body of an error reply: that of the reference, with the explanation of a refusal beside it.
//!
//! Read next: [`super::secret`].

use serde::{Deserialize, Serialize};

use super::explanation::{Block, Explanation, Target};

/// The body of an error reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorBody {
    /// What went wrong; one item.
    pub errors: Vec<ErrorItem>,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// What blocks it, if locks, a grace or consumers do. An addition.
    #[serde(flatten)]
    pub block: Option<Box<Block>>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorItem {
    /// The stable word for programs.
    pub code: String,
    /// What went wrong, for people. For a lock the reference's words.
    pub message: String,
    /// The field that cannot be used, if that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What to do now, where the program knows that. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ErrorBody {
    /// Makes the body of an error that is no refusal.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let item = ErrorItem { code: code.into(), message: message.into(), target: None, hint: None };
        Self { errors: vec![item], status_code: None, block: None }
    }

    /// Adds what to do now.
    #[must_use]
    pub fn hinting(mut self, hint: Option<&str>) -> Self {
        for item in &mut self.errors {
            item.hint = hint.map(str::to_owned);
        }
        self
    }
}

impl From<Explanation> for ErrorBody {
    fn from(explanation: Explanation) -> Self {
        let Explanation { code, message, status_code, target, block } = explanation;
        let errors = vec![ErrorItem { code, message, target, hint: None }];
        Self { errors, status_code: Some(status_code), block }
    }
}
