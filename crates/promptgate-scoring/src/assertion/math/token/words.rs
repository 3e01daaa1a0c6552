//! The words and signs that a formula may have, by what they mean.

/// Functions and constants written in letters.
pub(super) const WORDS: [&str; 19] = [
    "sin", "cos", "tan", "sec", "csc", "cot", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "exp",
    "sqrt", "pi", "abs", "lg",
];

/// The commands of Greek letters.
pub(super) const GREEK: [(&str, char); 24] = [
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ε'),
    ("varepsilon", 'ε'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("vartheta", 'θ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("rho", 'ρ'),
    ("sigma", 'σ'),
    ("tau", 'τ'),
    ("phi", 'φ'),
    ("varphi", 'φ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
];

/// Commands that set type and mean nothing.
pub(super) const SILENT: [&str; 19] = [
    "boxed",
    "fbox",
    "displaystyle",
    "textstyle",
    "quad",
    "qquad",
    "limits",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "rm",
    "bf",
    "hfill",
    "medspace",
];

/// Commands of mathematics that is not read: an answer with one of them is not wrong for that.
pub(super) const BEYOND: [&str; 44] = [
    "setminus",
    "cap",
    "subset",
    "subseteq",
    "supset",
    "supseteq",
    "notin",
    "forall",
    "exists",
    "sum",
    "prod",
    "int",
    "lim",
    "begin",
    "pmod",
    "bmod",
    "mod",
    "equiv",
    "lfloor",
    "rfloor",
    "lceil",
    "rceil",
    "partial",
    "vec",
    "max",
    "min",
    "gcd",
    "lcm",
    "det",
    "to",
    "approx",
    "rightarrow",
    "Rightarrow",
    "implies",
    "iff",
    "sim",
    "cong",
    "sup",
    "inf",
    "dots",
    "ldots",
    "cdots",
    "oint",
    "nabla",
];

/// The same as signs.
pub(super) const BEYOND_SIGNS: [char; 16] =
    ['≈', '≡', '→', '∑', '∏', '∫', '∩', '∖', '⊂', '⊆', '∉', '∀', '∃', '∂', '⌊', '⌈'];

/// The same in plain letters, before a bracket. Elsewhere `min` may be a unit.
pub(super) const BEYOND_FUNCTIONS: [&str; 5] = ["max", "min", "gcd", "lcm", "det"];

/// Fractions that are one character.
pub(super) const FRACTIONS: [(char, i128, i128); 15] = [
    ('½', 1, 2),
    ('⅓', 1, 3),
    ('⅔', 2, 3),
    ('¼', 1, 4),
    ('¾', 3, 4),
    ('⅕', 1, 5),
    ('⅖', 2, 5),
    ('⅗', 3, 5),
    ('⅘', 4, 5),
    ('⅙', 1, 6),
    ('⅚', 5, 6),
    ('⅛', 1, 8),
    ('⅜', 3, 8),
    ('⅝', 5, 8),
    ('⅞', 7, 8),
];
