//! What every step of a build writes to: sources, findings, and the limits of the whole.

use super::Limits;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Rejected};
use crate::source::{Sources, Span};

/// What every step of a build writes to.
pub(crate) struct Context<'a> {
    /// The texts that findings point into.
    pub(crate) sources: &'a mut Sources,
    /// The findings.
    pub(crate) diagnostics: &'a mut Diagnostics,
    /// How much is accepted.
    pub(crate) limits: &'a Limits,
    /// Bytes of all texts that were read, each as often as it was read.
    pub(crate) bytes: usize,
    /// Objects that were made, also those that were merged away.
    pub(crate) objects: usize,
    /// Kustomizations that were built.
    pub(crate) kustomizations: usize,
}

impl<'a> Context<'a> {
    /// Makes the context of a new build.
    pub(crate) fn new(
        sources: &'a mut Sources,
        diagnostics: &'a mut Diagnostics,
        limits: &'a Limits,
    ) -> Self {
        Context {
            sources,
            diagnostics,
            limits,
            bytes: 0,
            objects: 0,
            kustomizations: 0,
        }
    }

    /// Keeps an error.
    pub(crate) fn refuse(&mut self, finding: Diagnostic) -> Rejected {
        self.diagnostics.push(finding);
        Rejected
    }

    /// Keeps an error about a kustomization that kustomize refuses as well.
    pub(crate) fn invalid(&mut self, place: Span, message: impl Into<String>) -> Rejected {
        self.refuse(Diagnostic::error(Code::InvalidKustomization, message).at(place))
    }

    /// Counts a text that was read.
    ///
    /// Errors: `input-too-large`.
    pub(crate) fn count_bytes(&mut self, bytes: usize, place: Span) -> Result<(), Rejected> {
        self.bytes += bytes;
        let most = self.limits.bytes;
        if self.bytes <= most {
            return Ok(());
        }
        Err(self.too_large(place, format!("the files come to more than {most} bytes")))
    }

    /// Counts objects that were read or made.
    ///
    /// Errors: `input-too-large`.
    pub(crate) fn count_objects(&mut self, objects: usize, place: Span) -> Result<(), Rejected> {
        self.objects += objects;
        let most = self.limits.objects;
        if self.objects <= most {
            return Ok(());
        }
        Err(self.too_large(place, format!("there are more than {most} objects")))
    }

    /// Counts a kustomization.
    ///
    /// Errors: `input-too-large`.
    pub(crate) fn count_kustomization(&mut self, place: Option<Span>) -> Result<(), Rejected> {
        self.kustomizations += 1;
        let most = self.limits.kustomizations;
        if self.kustomizations <= most {
            return Ok(());
        }
        let mut finding = Diagnostic::error(
            Code::InputTooLarge,
            format!("there are more than {most} kustomizations"),
        )
        .hint("a base that is used several times counts each time");
        finding.span = place;
        Err(self.refuse(finding))
    }

    fn too_large(&mut self, place: Span, message: String) -> Rejected {
        self.refuse(
            Diagnostic::error(Code::InputTooLarge, message)
                .at(place)
                .label("too much from here on")
                .hint("a base that is used several times counts each time"),
        )
    }
}
