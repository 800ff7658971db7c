//! The stable codes of diagnostics; `docs/diagnostics.md` has a section for each.

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident => $text:literal,)*) => {
        /// The stable name of a kind of diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $doc] $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// Returns the kebab-case text that reports print.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text),* }
            }

            /// Returns one sentence that says what the code stands for.
            pub fn description(self) -> &'static str {
                match self { $(Code::$name => $doc.trim_ascii()),* }
            }
        }
    };
}

codes! {
    // Reading projects.yaml.
    /// A file is missing.
    FileNotFound => "file-not-found",
    /// A file is not UTF-8.
    InvalidUtf8 => "invalid-utf8",
    /// A file is larger, deeper or more repetitive than is accepted.
    InputTooLarge => "input-too-large",
    /// A file is not YAML.
    YamlSyntax => "yaml-syntax",
    /// A key stands twice in one mapping.
    DuplicateKey => "duplicate-key",
    /// A key that the language does not have.
    UnknownKey => "unknown-key",
    /// A required key is missing.
    MissingKey => "missing-key",
    /// A value of the wrong type.
    WrongType => "wrong-type",
    /// A value outside of the fixed list of choices.
    UnknownValue => "unknown-value",
    /// `version` is not 1.
    UnsupportedVersion => "unsupported-version",
    // Values.
    /// A name that is not a DNS-1123 label, or not what the field allows.
    InvalidName => "invalid-name",
    /// A namespace that belongs to the cluster or to a sync tool.
    ReservedNamespace => "reserved-namespace",
    /// A label or annotation key or value that the API server refuses.
    InvalidLabel => "invalid-label",
    /// A resource quantity that the API server refuses.
    InvalidQuantity => "invalid-quantity",
    /// A request above its limit.
    RequestAboveLimit => "request-above-limit",
    /// A number outside of the allowed range.
    OutOfRange => "out-of-range",
    /// A URL, host or port that cannot be used.
    InvalidEndpoint => "invalid-endpoint",
    /// A CIDR that cannot be used.
    InvalidCidr => "invalid-cidr",
    /// A database or user identifier that a server refuses.
    InvalidIdentifier => "invalid-identifier",
    /// A bucket name or prefix that an object store refuses.
    InvalidBucket => "invalid-bucket",
    /// A duration that cannot be used.
    InvalidDuration => "invalid-duration",
    /// A timezone that is not an IANA name.
    InvalidTimezone => "invalid-timezone",
    /// An image reference that cannot be used.
    InvalidImage => "invalid-image",
    /// A value of any other form that a component or the API server refuses.
    InvalidValue => "invalid-value",
    /// A file path that leaves the repository, is absolute, or is a symbolic link.
    UnsafePath => "unsafe-path",
    // Meaning.
    /// More than one, or none, of mutually exclusive forms.
    AmbiguousChoice => "ambiguous-choice",
    /// Keys that do not go together.
    Conflict => "conflict",
    /// A credentials form that this storage choice cannot use.
    UnsupportedCredentials => "unsupported-credentials",
    /// PostgreSQL without `experimental: true`.
    PostgresqlExperimental => "postgresql-experimental",
    /// A profile that does not exist.
    UnknownProfile => "unknown-profile",
    /// A cluster that does not exist.
    UnknownCluster => "unknown-cluster",
    /// A base that does not exist.
    UnknownBase => "unknown-base",
    /// A shared database that does not exist.
    UnknownDatabase => "unknown-database",
    /// A shared object store that does not exist.
    UnknownObjectStore => "unknown-object-store",
    /// A service account that the stack does not have.
    UnknownServiceAccount => "unknown-service-account",
    /// A key of the Argo controller's configuration that it would not start with.
    UnknownControllerKey => "unknown-controller-key",
    /// A choice that the base cannot carry out.
    UnsupportedByBase => "unsupported-by-base",
    /// Isolation is switched off.
    IsolationOff => "isolation-off",
    /// Egress is restricted and a server outside of the cluster is not let through.
    EgressBlocked => "egress-blocked",
    /// Stacks are monitored, and Prometheus is not let in.
    MetricsBlocked => "metrics-blocked",
    /// Everybody whom the issuer of logins knows is let in.
    EverybodyAdmitted => "everybody-admitted",
    /// No mirror covers an image, and there are mirrors.
    ImageNotMirrored => "image-not-mirrored",
    /// An image without a digest, where digests are required.
    ImageWithoutDigest => "image-without-digest",
    // Between projects.
    /// A project that does not exist.
    UnknownProject => "unknown-project",
    /// Two projects with one name.
    DuplicateProject => "duplicate-project",
    /// Two projects in one namespace of one cluster.
    DuplicateNamespace => "duplicate-namespace",
    /// Two projects in one database.
    DuplicateDatabase => "duplicate-database",
    /// Two projects with one database user.
    DuplicateDatabaseUser => "duplicate-database-user",
    /// Two projects in one bucket and prefix, or one prefix inside of another.
    OverlappingObjectStore => "overlapping-object-store",
    /// Two projects under one host.
    DuplicateHost => "duplicate-host",
    /// A string of one project's objects names another project's property.
    TenantLeak => "tenant-leak",
    /// A kind that is cluster-scoped inside a project.
    ClusterScopedKind => "cluster-scoped-kind",
    // Bases, manifests, templates, patches.
    /// A base without `base.yaml`, or one that cannot be used.
    InvalidBase => "invalid-base",
    /// A file of a base differs from `base/base.lock`.
    BaseLockMismatch => "base-lock-mismatch",
    /// A manifest that is not a Kubernetes object.
    InvalidManifest => "invalid-manifest",
    /// Two objects with one kind and name.
    DuplicateObject => "duplicate-object",
    /// A template that cannot be parsed or rendered.
    TemplateError => "template-error",
    /// A patch that cannot be read.
    InvalidPatch => "invalid-patch",
    /// A patch whose target is not there.
    PatchNoMatch => "patch-no-match",
    /// A patch that changes nothing.
    PatchNoEffect => "patch-no-effect",
    /// A patch that kustomize would damage or ignore.
    PatchRefused => "patch-refused",
    /// A patch that does not fit its object, such as a JSON 6902 operation that cannot be carried out.
    PatchFailed => "patch-failed",
    /// A string that no YAML reader of the cluster can carry.
    UnrepresentableText => "unrepresentable-text",
    /// An image that its registry does not have, or does not hand out.
    ImageUnresolved => "image-unresolved",
    /// A tag that no longer stands for the digest that it is pinned to.
    ImageTagMoved => "image-tag-moved",
    /// An object that kustomize would change, in a tree of that form.
    NotForKustomize => "not-for-kustomize",
    // Changes.
    /// A project disappears that was not retired.
    ProjectDeleted => "project-deleted",
    /// A volume claim disappears.
    VolumeDeleted => "volume-deleted",
    /// A volume claim gets smaller.
    VolumeShrunk => "volume-shrunk",
    /// An immutable field of a volume claim changes.
    VolumeClassChanged => "volume-class-changed",
    /// A living project is pointed at another database.
    DatabaseIdentity => "database-identity",
    /// A living project is pointed at another object store, bucket or prefix.
    ObjectStoreIdentity => "object-store-identity",
    /// A generated credential would come from another source.
    CredentialsRegenerated => "credentials-regenerated",
    /// A field changes that the API server does not let change.
    ImmutableField => "immutable-field",
    /// The move to another base needs a migration.
    BaseMigration => "base-migration",
    /// The base becomes an older one.
    BaseDowngrade => "base-downgrade",
    /// A manifest of the old tree cannot be read, so that nobody can tell what would be lost.
    UnreadableTree => "unreadable-tree",
    /// A hazard is acknowledged that does not come up.
    UnusedAcknowledgement => "unused-acknowledgement",
    /// A part of `projects.yaml` cannot be edited in place.
    NotEditable => "not-editable",
    // Kustomizations.
    /// A kustomization that kustomize refuses, or whose result it damages.
    InvalidKustomization => "invalid-kustomization",
    /// A field of a kustomization that is not acted on: Helm charts, plugins, remote files.
    UnsupportedKustomization => "unsupported-kustomization",
    /// A Secret with values in a vendored tree; it is left out.
    PlainSecret => "plain-secret",
    /// A vendored object that is meant for one namespace, or names one.
    FixedNamespace => "fixed-namespace",
    /// A reference that a base was vendored from and that means another commit by now.
    UpstreamMoved => "upstream-moved",
    // Importing.
    /// A setting of what is imported that has no counterpart.
    NotCarriedOver => "not-carried-over",
    // The tree.
    /// A file in a directory of ours that we did not write.
    ForeignFile => "foreign-file",
    /// A file of ours that was edited by hand.
    HandEdited => "hand-edited",
    /// A symbolic link where a file or directory of ours belongs.
    SymbolicLink => "symbolic-link",
    /// The index cannot be read.
    InvalidIndex => "invalid-index",
    // Publishing.
    /// The branch to publish to is checked out.
    BranchCheckedOut => "branch-checked-out",
    // The world.
    /// A file, a directory or a lock could not be used; the input is not to blame.
    Environment => "environment",
}
