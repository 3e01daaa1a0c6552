//! `math`: what is the same mathematics, what is not, and what is neither.

use std::time::{Duration, Instant};

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;
use proptest::prelude::*;
use serde_json::Value;

use crate::trial::{any_case, case, done, grader, input, mistakes, response, scored, spec, word};

fn compared(value: &str, answer: &str) -> Scored {
    let mut spec: AssertionSpec = spec("kind = \"math\"\nvalue = 1").unwrap();
    spec.params.values.insert("value".to_owned(), Value::from(value));
    let grader = grader(&[spec]).unwrap_or_else(|error| panic!("{value}: {error}"));
    done(grader.grade(input(any_case(), response(answer, "{}")))).assertions.remove(0).scored
}

#[track_caller]
fn check(value: &str, answer: &str, expected: &str) {
    let scored = compared(value, answer);
    assert_eq!(word(&scored), expected, "{value:?} and {answer:?}: {scored:?}");
}

const EQUAL: &[(&str, &str)] = &[
    // Numbers.
    ("5", "5"),
    ("5", "$5$"),
    ("5", " \\boxed{5}. "),
    ("5", "\\[\\boxed{5}\\]"),
    ("5", "\\(5\\)"),
    ("1234", "1,234"),
    ("10,080", "10080"),
    ("1234567", "1{,}234{,}567"),
    ("1234", "1,\\!234"),
    ("0.5", "1/2"),
    (".5", "\\frac{1}{2}"),
    ("\\frac12", "\\dfrac{1}{2}"),
    ("\\frac{1}{2}", "\\tfrac12"),
    ("-\\frac{3}{4}", "\\frac{-3}{4}"),
    ("-\\frac{3}{4}", "-0.75"),
    ("1\\frac{1}{2}", "\\frac{3}{2}"),
    ("-1\\frac12", "-1.5"),
    ("2 3/4", "2.75"),
    ("50\\%", "0.5"),
    ("50\\%", "50"),
    ("50", "50%"),
    ("1e-3", "0.001"),
    ("2^{10}", "1024"),
    ("2^10", "1024"),
    ("10^{-2}", "0.01"),
    ("5!", "120"),
    ("\\frac{6!}{4!}", "30"),
    ("|-3|", "3"),
    ("\\left|\\frac{1}{2}-1\\right|", "\\frac12"),
    ("90^\\circ", "90"),
    ("90", "90^{\\circ}"),
    ("90°", "90"),
    ("12\\text{ cm}^2", "12"),
    ("12", "12 \\mathrm{cm}^{2}"),
    ("\\$18.90", "18.9"),
    ("2^{2005}", "2^{2005}"),
    // Roots.
    ("\\sqrt{8}", "2\\sqrt{2}"),
    ("\\sqrt 8", "2\\sqrt2"),
    ("1/\\sqrt{2}", "\\sqrt{2}/2"),
    ("\\frac{\\sqrt{3}}{2}", "\\sqrt{3/4}"),
    ("\\sqrt[3]{16}", "2\\sqrt[3]{2}"),
    ("\\sqrt[3]{-8}", "-2"),
    ("\\sqrt{2}\\cdot\\sqrt[3]{2}", "2^{5/6}"),
    ("\\frac{1}{1+\\sqrt{2}}", "\\sqrt{2}-1"),
    ("\\frac{3+\\sqrt{5}}{2}", "\\frac{\\sqrt5}{2}+1.5"),
    ("sqrt(12)", "2*sqrt(3)"),
    ("√12", "2√3"),
    ("\\sqrt{x+1}^2", "x+1"),
    ("\\sqrt{4x+4}", "2\\sqrt{x+1}"),
    ("\\sqrt{x^2}", "|x|"),
    ("|x|^2", "x^2"),
    ("||x||", "|-x|"),
    ("|x^2|", "x^2"),
    ("\\sqrt[3]{x^2}", "(\\sqrt[3]{x})^2"),
    ("\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt2"),
    ("\\sqrt{7-4\\sqrt3}", "2-\\sqrt{3}"),
    ("(-1)^{n+1}", "-(-1)^n"),
    ("(-2)^n", "(-1)^n 2^n"),
    ("8^{1/3}", "2"),
    ("\\sqrt{-4}", "2i"),
    ("(1+i)^2", "2i"),
    // Constants and functions.
    ("\\frac{\\pi}{4}", "0.25\\pi"),
    ("2\\pi", "2 pi"),
    ("π/2", "\\frac12 \\pi"),
    ("e^{2}e^{3}", "e^5"),
    ("\\exp(2)", "e^2"),
    ("\\sin(\\pi/6)", "\\frac{1}{2}"),
    ("\\cos 60^\\circ", "0.5"),
    ("\\tan\\frac{\\pi}{3}", "\\sqrt3"),
    ("\\sin^2 x", "(\\sin x)^2"),
    ("\\sin 2x \\cos x", "\\cos(x)\\sin(2x)"),
    ("\\ln 8", "3\\ln 2"),
    ("\\log_2 8", "3"),
    ("\\log 1000", "3"),
    ("\\ln(e^2)", "2"),
    // Algebra.
    ("(x+1)^2", "x^2+2x+1"),
    ("(x+1)(x-1)", "x^2-1"),
    ("\\frac{x^2-1}{x-1}", "x+1"),
    ("\\frac{1}{x}+\\frac{1}{y}", "\\frac{x+y}{xy}"),
    ("2x\\cdot 3y", "6xy"),
    ("x*y", "y\\times x"),
    ("x_1 + x_2", "x_{2}+x_{1}"),
    ("\\alpha\\beta", "βα"),
    ("-(a-b)", "b-a"),
    ("x^{-1}", "1/x"),
    ("2^{n+1}", "2\\cdot 2^n"),
    ("4^x", "2^{2x}"),
    ("(2^{\\sqrt{2}})^{\\sqrt{2}}", "4"),
    ("(2^x)^y", "2^{xy}"),
    ("|1-\\sqrt2|", "\\sqrt2-1"),
    ("e^{x}/e^{y}", "e^{x-y}"),
    ("n!", "n!"),
    ("a^b", "a^{b}"),
    ("x²", "x**2"),
    // Structures.
    ("(1,2)", "\\left( 1, 2 \\right)"),
    ("(1/2, \\sqrt{4})", "(0.5, 2)"),
    ("\\{1,2,3\\}", "\\{3, 1, 2\\}"),
    ("\\{1,2\\}", "2, 1"),
    ("[0, 1)", "\\left[0,\\frac{2}{2}\\right)"),
    ("(-\\infty, 3]", "(-∞,3]"),
    ("(-\\infty,-1)\\cup(1,\\infty)", "(1,\\infty) \\cup (-\\infty,-1)"),
    ("x \\in [0,1)", "[0,1)"),
    ("x = 5", "5"),
    ("x+1", "f(x) = \\boxed{1+x}"),
    ("5", "x=5"),
    ("y = 2x+1", "2x + 1"),
    ("y = 2x+1", "1+2x=y"),
    ("y = 2x+1", "2x - y + 1 = 0"),
    ("x > 3", "3 < x"),
    ("1 \\le x < 2", "2 > x \\geq 1"),
    ("1, -2", "-2,1"),
    ("1,-2", "x=1 \\text{ or } x=-2"),
    ("1 \\pm \\sqrt{2}", "1+\\sqrt{2}, 1-\\sqrt{2}"),
    ("\\pm 2", "x = 2, x = -2"),
    ("\\text{Evelyn}", "\\text{Evelyn}"),
    ("\\text{(A)}", "A"),
    ("B", "\\textbf{(B)}"),
    ("\\frac12", "**\\frac{1}{2}**"),
    ("\\sin x", "sinx"),
    ("x\\ln x-x", "xlnx - x"),
    ("2\\sin x\\cos x", "2sinxcosx"),
    ("5", "\\mathrm{5}"),
    ("5", "\\text{5}"),
    ("1.5", "\\text{1.5} \\text{ cm}"),
    ("0, 2", "1 \\pm 2 \\mp 3"),
    ("0, 2", "1 ± 2 ∓ 3"),
    ("-1, 3", "1 \\mp 2"),
    ("1,1,2", "2,1,1"),
    ("\\{1,1,2\\}", "1,2,2"),
    ("x = 5", "\\begin{aligned} x &= 5 \\end{aligned}"),
    ("5", "\\begin{align*}5\\end{align*}"),
    ("2^{10}\\%", "10.24"),
    ("2^3!", "64"),
    ("2^{3}!", "40320"),
    ("2^{3^2}", "2^3^2"),
    ("\\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}", "-\\frac{b}{2a} \\pm \\frac{\\sqrt{b^2-4ac}}{2a}"),
    ("(x-1)^2+(y+2)^2=9", "x^2 + y^2 - 2x + 4y = 4"),
    ("3 \\times 10^8", "3e8"),
    ("x^2+y^2", "$y^2 + x^2$"),
    ("3, 4", "$x = 3$ or $x = 4$"),
    ("10000", "10\\,000"),
    ("1234567", "1\\,234\\,567"),
    ("\\frac12", "½"),
    ("1.75", "1¾"),
    ("\\frac13", "0.\\overline{3}"),
    ("\\frac16", "0.1\\overline{6}"),
    ("1\\frac{3}{11}", "1.\\overline{27}"),
    ("10", "\\binom{5}{2}"),
    ("\\emptyset", "\\{\\}"),
    ("\\mathbb{R}", "ℝ"),
    // Functions.
    ("\\arcsin x", "\\sin^{-1} x"),
    ("\\arctan(1)", "\\tan^{-1}(1)"),
    ("\\arccos 2x", "\\cos^{-1}(2x)"),
    ("f(x+1)", "f(1+x)"),
    ("f(2)+1", "1+f(2)"),
    ("f(x) = x+1", "f(x) = 1+x"),
    ("a(b+c)", "ab+ac"),
];

const UNEQUAL: &[(&str, &str)] = &[
    ("5", "6"),
    ("5", "-5"),
    ("5", ""),
    ("0.333", "\\frac13"),
    ("\\pi", "3.14"),
    ("\\pi", "\\frac{22}{7}"),
    ("\\sqrt{2}", "1.41421356"),
    ("\\sqrt{2}", "2"),
    ("2\\sqrt{3}", "3\\sqrt{2}"),
    ("\\sqrt{5}", "\\sqrt{2}+\\sqrt{3}"),
    ("5", "xy = 5"),
    ("5", "2 + 3 = 6"),
    ("\\sqrt[3]{2}", "\\sqrt{2}"),
    ("1\\frac12", "\\frac12"),
    ("1,234", "1.234"),
    ("50\\%", "5"),
    ("50\\%", "0.05"),
    ("50\\%", "500\\%"),
    ("(x+1)^2", "x^2+1"),
    ("x+1", "x-1"),
    ("x+1", "y+1"),
    ("x_1", "x_2"),
    ("x", "X"),
    ("\\frac{x}{y}", "\\frac{y}{x}"),
    ("a-b", "b-a"),
    ("a^b", "b^a"),
    ("(2^{\\sqrt{x+1}})^{\\sqrt{x+1}}", "(2^{\\sqrt{y+1}})^{\\sqrt{y+1}}"),
    ("|1-\\sqrt2|", "1-\\sqrt2"),
    ("2^{n+1}", "2^n+1"),
    ("\\sqrt{x^2}", "x"),
    ("\\sqrt{a+b}", "\\sqrt{a}+\\sqrt{b}"),
    ("\\sin x", "\\cos x"),
    ("\\sin 2x", "2\\sin x"),
    ("\\ln 6", "\\ln 2 \\cdot \\ln 3"),
    ("\\log 100", "\\ln 100"),
    ("|x|", "x"),
    ("|x|^3", "x^3"),
    ("1/\\sin x", "\\sin^{-1} x"),
    ("\\frac{\\pi}{3}", "\\tan^{-1}(1)"),
    ("\\sin 2x", "2\\sin x\\cos y"),
    ("\\sin^2 x-\\cos^2 x", "1"),
    ("|\\pi x|", "\\pi x"),
    ("e^{i\\pi}", "1"),
    ("e^{ix}", "\\cos x - i\\sin x"),
    ("3+2i", "3-2i"),
    ("f(2)", "g(2)"),
    ("f(x) = x+1", "f(x) = x+2"),
    ("n!", "n^n"),
    ("\\mathbb{R}", "R"),
    ("5", "\\emptyset"),
    ("0.3", "0.\\overline{3}"),
    ("\\binom{n}{2}", "n^2"),
    ("(-1)^n", "1"),
    ("\\sqrt{3-2\\sqrt{2}}", "1-\\sqrt2"),
    ("5!", "5"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", "[1,2]"),
    ("(1,2)", "(1,2,3)"),
    ("(1,2)", "\\{1,2\\}"),
    ("[0,1)", "[0,1]"),
    ("[0,1)", "(0,1]"),
    ("(-\\infty,3]", "(\\infty,3]"),
    ("\\{1,2\\}", "\\{1,2,3\\}"),
    ("1,2", "1"),
    ("1,2", "1,2,2"),
    ("1,1,2", "1,2,2"),
    ("x\\ln x", "xlny"),
    ("5", "business"),
    ("1", "\\pm 1"),
    ("x=5", "x=6"),
    ("x=5", "y=5"),
    ("x=5", "x>5"),
    ("x>5", "x<5"),
    ("x>5", "x\\ge 5"),
    ("x>5", "5"),
    ("y=2x+1", "y=2x-1"),
    ("y=2x", "y=3x"),
    ("x^2", "x^3"),
    ("\\infty", "-\\infty"),
    ("5", "\\infty"),
    ("5", "1/0"),
    ("5", "\\infty - \\infty"),
    ("\\text{Evelyn}", "\\text{Carla}"),
    // No mathematics.
    ("5", "The answer is 5"),
    ("5", "five"),
    ("5", "5 5"),
    ("5", "(5"),
    ("5", "5)"),
    ("5", "5 +"),
    ("5", "٥"),
    ("5", "5 🙂"),
    ("5", "x\u{301}"),
    ("5", "\\frac{5}"),
    ("5", "\\unknown{5}"),
    ("5", "[5)"),
    ("5", "|5"),
    ("5", "^"),
    ("5", "五"),
];

#[test]
fn the_same_mathematics_passes_however_it_is_written() {
    assert!(EQUAL.len() >= 60);
    for (value, answer) in EQUAL {
        check(value, answer, "passed");
        check(answer, value, "passed");
    }
}

#[test]
fn other_mathematics_and_other_texts_fail() {
    assert!(UNEQUAL.len() >= 40);
    for (value, answer) in UNEQUAL {
        check(value, answer, "failed");
    }
}

#[test]
fn what_agrees_to_twelve_digits_and_has_no_proof_is_unscored() {
    check("\\sqrt[3]{2+\\sqrt{5}}", "\\frac{1+\\sqrt5}{2}", "unscored");
    check("\\sin^2(1)+\\cos^2(1)", "1", "unscored");
    check("2^{200}", "2^{199}\\cdot 2", "unscored");
    check("\\frac{\\pi}{4}", "\\tan^{-1}(1)", "unscored");
}

#[test]
fn what_comes_as_near_to_zero_as_its_terms_tell_is_unscored() {
    for zero in [
        "\\sin(1)^2+\\cos(1)^2-1",
        "2\\sin(1)\\cos(1)-\\sin(2)",
        "\\sin 10^\\circ-\\cos 80^\\circ",
        "\\cos(2\\pi/7)+\\cos(4\\pi/7)+\\cos(6\\pi/7)+1/2",
        "\\sqrt[3]{2+\\sqrt5}+\\sqrt[3]{2-\\sqrt5}-1",
    ] {
        check("0", zero, "unscored");
        check(zero, "0", "unscored");
        check("0.001", zero, "failed");
    }
}

#[test]
fn what_agrees_at_every_point_and_has_no_proof_is_unscored() {
    for (left, right) in [
        ("\\sin^2 x+\\cos^2 x", "1"),
        ("\\sin 2x", "2\\sin x\\cos x"),
        ("y = \\sin 2x", "y = 2\\sin x\\cos x"),
        ("e^{i\\pi}", "-1"),
        ("e^{ix}", "\\cos x + i\\sin x"),
        ("|\\pi x|", "\\pi|x|"),
        ("\\ln(x^2)", "2\\ln|x|"),
        ("\\binom{n}{2}", "\\frac{n(n-1)}{2}"),
        ("(n+1)!", "(n+1) n!"),
        ("\\cos(a+b)", "\\cos a\\cos b-\\sin a\\sin b"),
    ] {
        check(left, right, "unscored");
        check(right, left, "unscored");
    }
}

#[test]
fn what_may_be_read_in_two_ways_or_is_not_read_is_unscored() {
    check("2f", "f(2)", "unscored");
    // Equal where n is a whole number, as it mostly is.
    check("\\frac{2(1-(-1)^n)}{n\\pi}", "\\frac{2(1-\\cos(n\\pi))}{n\\pi}", "unscored");
    check("((-1)^n)^2", "1", "unscored");
    check("fd-f", "f(d-1)", "unscored");
    check("5", "\\mathbb{R}\\setminus\\{0\\}", "unscored");
    check("5", "\\sum_{k=1}^{5} 1", "unscored");
    check("5", "\\sinh^{-1}(1)", "unscored");
    for answer in [
        "\\begin{aligned} x &= 5 \\\\ y &= 6 \\end{aligned}",
        "\\begin{cases} 5 & x > 0 \\\\ 5 & x \\le 0 \\end{cases}",
        "\\begin{pmatrix} 5 \\end{pmatrix}",
        "\\lim_{x\\to 5} x",
        "\\lim_{x\\rightarrow 5} x",
        "\\max(5,3)",
        "max(5, 3)",
        "\\min\\{5, 7\\}",
        "\\gcd(10, 15)",
        "lcm(5, 1)",
        "x \\approx 5",
        "x ≈ 5",
        "x = 5 \\implies y = 6",
        "1, 2, \\ldots, 5",
        "5 mod 7",
        "\\mathbb{F}_5",
    ] {
        check("5", answer, "unscored");
    }
}

#[test]
fn a_tolerance_compares_values() {
    let check =
        |params: &str, answer, expected| crate::trial::check(&format!("kind = \"math\"\n{params}"), answer, expected);
    check("value = '\\pi'\nabs = 0.01", "3.14", "passed");
    check("value = '\\pi'\nabs = 0.001", "3.14", "failed");
    check("value = '(\\pi, x)'\nabs = 0.01", "(3.14, x)", "passed");
    check("value = 'x + 0.001'\nabs = 0.01", "x", "failed");
    for (value, answer) in [("2.3", "2.4"), ("2.3", "2.2"), ("0.3", "0.4"), ("0.3", "1/5"), ("\\pi", "\\pi + 0.1")] {
        check(&format!("value = '{value}'\nabs = 0.1"), answer, "passed");
        check(&format!("value = '{value}'\nabs = 0.099999999"), answer, "failed");
    }
    check("value = '1, 1.05'\nabs = 0.05", "1, 0.95", "passed");
    check("value = '1, 1.1'\nabs = 0.05", "1.05, 1.04", "passed");
    check("value = '1, 1.1'\nabs = 0.05", "1, 1.02", "failed");
    check("value = 0.5", "1/2", "passed");
    check("value = 0.5\nnot = true", "1/3", "passed");
    check("value = 1\nextract = { after = \"####\" }", "so #### 2/2", "passed");
}

#[test]
fn a_value_may_name_a_part_of_the_case_and_hold_braces() {
    let passes = |toml: &str, answer| {
        word(&scored(toml, case(r#"{"expected": "\\frac{\\sqrt{2}}{2}"}"#), response(answer, "{}")))
    };
    assert_eq!(passes("kind = \"math\"\nvalue = \"{{expected}}\"", "1/\\sqrt2"), "passed");
    assert_eq!(passes("kind = \"math\"\nvalue = '\\frac{\\sqrt{2}}{2}'", "1/\\sqrt2"), "passed");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let note = |answer| compared("5", answer).evidence.note.unwrap();
    assert_eq!(note("5 é"), "the answer is no mathematics at character 3: `é` is no mathematics");
    assert_eq!(note("π 5 5"), "the answer is no mathematics at character 5: nothing more can stand here");
    assert_eq!(note("So: five"), "the answer is no mathematics at character 3: `:` is no mathematics");
    assert_eq!(note("1/(1-1)"), "the answer has no value: it divides by zero");
    let refused = |value: &str, expected: &str| {
        let said = mistakes(&format!("kind = \"math\"\nvalue = {value}"));
        assert!(said.starts_with("suite.toml:5:1:") && said.contains(expected), "{said}");
    };
    refused("'\\frac{1}{2'", "`value` cannot be read at character 11: a bracket is not closed");
    refused("'1/0'", "`value` has no value: it divides by zero");
    refused("true", "which is no formula");
    refused("''", "something is missing at the end");
    refused("'forty-two'", "`forty` is a word, no mathematics");
    let said = mistakes("kind = \"math\"\nvalue = 1\nabs = -1");
    assert!(said.contains("a tolerance is 0 or more"), "{said}");
}

#[test]
fn hostile_answers_are_unscored_or_fail_and_never_take_long() {
    let hostile = [
        ("9^9^9^9".to_owned(), "unscored"),
        ("(".repeat(100_000), "unscored"),
        ("(".repeat(1_000), "unscored"),
        (format!("{}1{}", "(".repeat(60), ")".repeat(60)), "failed"),
        (format!("{}1{}", "(".repeat(900), ")".repeat(900)), "unscored"),
        ("10000000!".to_owned(), "unscored"),
        ("5!!!!".to_owned(), "unscored"),
        ("3!".repeat(400), "unscored"),
        (format!("3{}", "!".repeat(1_900)), "unscored"),
        (format!("3{}", "%".repeat(1_900)), "unscored"),
        ("(a+b+c+d+e+f)^{64}".to_owned(), "unscored"),
        ("(x+1)^{65}".to_owned(), "unscored"),
        ("(x+y)^{1000000000}".to_owned(), "unscored"),
        ("x^{1000000000}".to_owned(), "failed"),
        ("-".repeat(1_999), "failed"),
        (format!("{}1", "-".repeat(1_900)), "failed"),
        (format!("1{}", "/2".repeat(900)), "unscored"),
        (format!("x{}", "/x".repeat(900)), "failed"),
        ("\\frac".repeat(380), "unscored"),
        ("\\sqrt".repeat(380), "unscored"),
        (format!("x{}", "^x".repeat(900)), "unscored"),
        ("|".repeat(1_500), "unscored"),
        ("sin ".repeat(450), "unscored"),
        ("9".repeat(1_000), "failed"),
        ("\\sqrt{170141183460469231731687303715884105727}".to_owned(), "unscored"),
        ("1e999999999".to_owned(), "failed"),
        ("1/3+1/7+1/11+1/13+".repeat(100) + "1", "failed"),
        ((2..300).map(|n| format!("1/{n}")).collect::<Vec<_>>().join("+"), "unscored"),
        ((0..26_u8).map(|n| format!("1/(x+{})", char::from(b'a' + n))).collect::<Vec<_>>().join("+"), "unscored"),
        (["\\pm"; 400].join(" ") + "1", "failed"),
        (["1"; 900].join(", "), "unscored"),
        ("\\{".repeat(900), "unscored"),
        ("}".repeat(1_900), "failed"),
        ("{".repeat(1_900), "unscored"),
        ("\\boxed{".repeat(280), "unscored"),
        ("$".repeat(1_999), "failed"),
        ("\u{0}".repeat(10), "failed"),
        ("\u{202e}5".to_owned(), "failed"),
        ("\\sqrt[1000000000000]{2}".to_owned(), "unscored"),
        (["\\sqrt{4294967291}"; 110].join("+"), "unscored"),
        ((0..25).fold("x".to_owned(), |inner, _| format!("\\sqrt{{x+{inner}}}")), "failed"),
        ((0..25).fold("x".to_owned(), |inner, _| format!("\\sin(x+{inner})^2")), "failed"),
        ((0..30).fold("x".to_owned(), |inner, _| format!("({inner}+1)^2")), "unscored"),
        ("(\\sqrt{a+1}+\\sqrt{b+1}+\\sqrt{c+1}+\\sqrt{d+1})^{40}".to_owned(), "unscored"),
        ("(\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11}+\\sqrt{13})^{64}".to_owned(), "unscored"),
        ("|".repeat(60) + "x" + &"|".repeat(60), "failed"),
        ("\\sin(\\sin(\\sin(x+1)^9)^9)^9".to_owned(), "failed"),
    ];
    for (answer, expected) in hostile {
        let begin = Instant::now();
        check("x+5", &answer, expected);
        assert!(begin.elapsed() < Duration::from_secs(4), "{answer}: {:?}", begin.elapsed());
    }
}

/// Expressions as people write them, a few levels deep.
fn any_expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..50_i32).prop_map(|number| number.to_string()),
        prop::sample::select(vec!["x", "y", "\\pi", "\\alpha", "e", "0.25", "\\frac{2}{3}", "x_1"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("({a} + {b})")),
            two.clone().prop_map(|(a, b)| format!("{a} \\cdot {b}")),
            two.clone().prop_map(|(a, b)| format!("({a}) - ({b})")),
            two.prop_map(|(a, b)| format!("\\frac{{{a}}}{{({b})^2+1}}")),
            inner.clone().prop_map(|a| format!("({a})^2")),
            inner.clone().prop_map(|a| format!("\\sqrt{{{a}}}")),
            inner.clone().prop_map(|a| format!("\\sin({a})")),
            inner.prop_map(|a| format!("-({a})")),
        ]
    })
}

/// Passed, or unscored where the expression is beyond the bounds; a formula without a value is refused at load.
#[track_caller]
fn never_fails(value: &str, answer: &str) {
    if spec("kind = \"math\"\nvalue = 1").map(|mut spec| {
        spec.params.values.insert("value".to_owned(), Value::from(value));
        grader(&[spec]).is_err()
    }) == Ok(true)
    {
        return;
    }
    let scored = compared(value, answer);
    assert_ne!(word(&scored), "failed", "{value:?} and {answer:?}: {scored:?}");
}

/// A constant expression with its value, computed by the way.
fn any_constant() -> impl Strategy<Value = (String, f64)> {
    let leaf = prop_oneof![
        (1..6_i32).prop_map(|number| (number.to_string(), f64::from(number))),
        Just(("\\pi".to_owned(), std::f64::consts::PI)),
        Just(("\\frac{1}{2}".to_owned(), 0.5)),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|((a, x), (b, y))| (format!("({a} + {b})"), x + y)),
            two.clone().prop_map(|((a, x), (b, y))| (format!("({a} - {b})"), x - y)),
            two.clone().prop_map(|((a, x), (b, y))| (format!("{a} \\cdot {b}"), x * y)),
            two.prop_map(|((a, x), (b, y))| (format!("\\frac{{{a}}}{{|{b}|+1}}"), x / (y.abs() + 1.0))),
            inner.clone().prop_map(|(a, x)| (format!("\\sqrt{{({a})^2}}"), x.abs())),
            inner.clone().prop_map(|(a, x)| (format!("\\sqrt[3]{{{a}}}"), x.cbrt())),
            inner.prop_map(|(a, x)| (format!("\\sqrt{{|{a}|}}"), x.abs().sqrt())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_has_the_same_value((a, x) in any_constant(), (b, y) in any_constant()) {
        let far = (x - y).abs() > 1e-6 * (1.0 + x.abs());
        if word(&compared(&a, &b)) == "passed" {
            prop_assert!(!far, "{} = {} and {} = {}", a, x, b, y);
        }
        // The difference to itself plus one is never nothing, and the sum of both is that of their values.
        prop_assert_ne!(word(&compared(&a, &format!("{a} + 1"))), "passed");
        let mut spec = spec("kind = \"math\"\nabs = 1e-6").unwrap_or_else(|error| panic!("{error}"));
        spec.params.values.insert("value".to_owned(), Value::from(a.as_str()));
        let grader = grader(&[spec]).unwrap();
        let decimal = format!("{x:.9}");
        let scored = done(grader.grade(input(any_case(), response(&decimal, "{}")))).assertions.remove(0).scored;
        prop_assert_ne!(word(&scored), "failed", "{} = {}: {:?}", a, decimal, scored);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_expression_is_itself_and_keeps_the_laws_of_arithmetic(
        a in any_expression(), b in any_expression(), c in any_expression(),
    ) {
        check(&format!("x + 1 + 0 \\cdot ({a})"), "x+1", "passed");
        never_fails(&a, &format!("\\boxed{{({a})}}"));
        never_fails(&format!("({a}) + ({b})"), &format!("({b}) + ({a})"));
        never_fails(&format!("({a})({b})"), &format!("({b})({a})"));
        never_fails(&format!("(({a}) + ({b})) + ({c})"), &format!("({a}) + (({b}) + ({c}))"));
        never_fails(&format!("(({a})({b}))({c})"), &format!("({a})(({b})({c}))"));
        never_fails(&format!("({a})(({b}) + ({c}))"), &format!("({a})({b}) + ({a})({c})"));
        never_fails(&format!("({a}) - ({a})"), "0");
    }

    #[test]
    fn no_text_makes_it_panic(answer in "[-+*/^!|(){}\\[\\], .0-9a-z\\\\=<>%_]{0,60}", other in ".{0,40}") {
        compared("x+1", &answer);
        compared("x+1", &other);
    }
}
