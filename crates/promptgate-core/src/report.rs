//! What reports render: values folded from a settled record. Every text, file and exit code comes from one of these.

pub mod explain;
mod gate;
mod headline;
pub mod plan;
mod run;
pub mod words;

pub use gate::{
    Better, CheckKind, CheckMethod, CheckReport, Comparison, Cost, Flip, GateReport, GateVolatile, Look, Mend, Noise,
    PairCounts, Saved, SideReport, SliceNote,
};
pub use headline::headline;
pub use run::{
    AnsweredBy, AssertionSummary, CaseCounts, CaseFailure, Confused, FieldSummary, Interval, LabelCounts, LabelSummary,
    MetricSummary, OrderSummary, Reduced, RepeatSummary, RunReport, RunVolatile, SideSummary, Spread, TagMetric,
    TagSummary, ValueSummary,
};

/// What a command came to, ready to be rendered.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Of `run`.
    Run(Box<RunReport>),
    /// Of `gate` and `compare`.
    Gate(Box<GateReport>),
}
